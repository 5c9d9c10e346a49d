// Collectives through which gradients pass.
#include <torch/csrc/autograd/custom_function.h>

#include "../saved.h"
#include "tables.h"

namespace salmask::distributed {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** A copy of a tensor, summed over ranks. */
at::Tensor summed(const at::Tensor& tensor, Group& group) {
  const at::Tensor sum = tensor.clone(at::MemoryFormat::Contiguous);
  group.allReduce(sum);
  return sum;
}

struct AllReduceSum : torch::autograd::Function<AllReduceSum> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, int64_t number) {
    ctx->saved_data["group"] = number;
    return summed(input, *groupOf(number));
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    expectFirstDerivative();
    return {summed(gradients[0], *groupOf(ctx->saved_data["group"].toInt())), at::Tensor()};
  }
};

struct AllGatherCat : torch::autograd::Function<AllGatherCat> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, int64_t number) {
    ctx->saved_data["group"] = number;
    ctx->saved_data["rows"] = input.size(0);
    return groupOf(number)->allGather(input).flatten(0, 1);  // [W * B, ...]
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    expectFirstDerivative();
    const auto group = groupOf(ctx->saved_data["group"].toInt());
    const int64_t rows = ctx->saved_data["rows"].toInt();
    return {summed(gradients[0], *group).narrow(0, group->rank * rows, rows), at::Tensor()};
  }
};

at::Tensor floatAt(const Arguments& args) {
  const at::Tensor tensor = args.environment->tensors.get(toHandle(args.env, args[0], "tensor"));
  TORCH_CHECK(at::isFloatingType(tensor.scalar_type()), "Expected a tensor of a floating type, got one of ",
              tensor.scalar_type(), ".");
  return tensor;
}

}  // namespace

/// allReduceSum(tensor, number of the group) -> tensor
napi_value allReduceSum(const Arguments& args) {
  const at::Tensor sum = AllReduceSum::apply(floatAt(args), toInt(args.env, args[1], "group"));
  return fromHandle(args.env, args.environment->tensors.add(sum));
}

/// allGatherCat(tensor, number of the group) -> tensor
napi_value allGatherCat(const Arguments& args) {
  const at::Tensor tensor = floatAt(args);
  TORCH_CHECK(tensor.dim() > 0, "Expected a tensor [B, ...] to gather, got one without dimensions.");
  const at::Tensor all = AllGatherCat::apply(tensor, toInt(args.env, args[1], "group"));
  return fromHandle(args.env, args.environment->tensors.add(all));
}

}  // namespace salmask::distributed
