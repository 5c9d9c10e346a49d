// What backward passes read: saved tensors, which `set_data` may have changed since the forward pass, and gradients, whose values may be lazy.
#pragma once
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "plain.h"

namespace salmask {

/** Throws in a backward pass that is recorded: our operators have no second derivative, and would count as constants there. */
inline void expectFirstDerivative() {
  TORCH_CHECK(!at::GradMode::is_enabled(), "Expected a backward pass that is not recorded, as this operator has no second derivative, got "
                                           "one with create_graph.");
}

/** The number of axes and the sizes of each tensor that is defined. */
inline std::vector<int64_t> shapesOf(const torch::autograd::variable_list& tensors) {
  std::vector<int64_t> shapes;
  for (const auto& tensor : tensors) {
    if (!tensor.defined()) continue;
    shapes.push_back(tensor.dim());
    shapes.insert(shapes.end(), tensor.sizes().begin(), tensor.sizes().end());
  }
  return shapes;
}

/** Saves tensors for the backward pass, and their shapes. */
inline void saveWithShapes(torch::autograd::AutogradContext* ctx, const torch::autograd::variable_list& tensors) {
  ctx->saved_data["shapes"] = shapesOf(tensors);
  ctx->save_for_backward(tensors);
}

/** What `saveWithShapes` saved. Throws where a tensor has another shape by now, and what `expectFirstDerivative` throws. */
inline torch::autograd::variable_list savedAsShaped(torch::autograd::AutogradContext* ctx) {
  expectFirstDerivative();
  auto tensors = ctx->get_saved_variables();
  TORCH_CHECK(shapesOf(tensors) == ctx->saved_data["shapes"].toIntVector(),
              "Expected tensors of the shapes of the forward pass in the backward pass, got others. Set their data after it.");
  return tensors;
}

/** The tensor's values as they are, without gaps in this layout. Throws where they are not in this process's memory. */
inline at::Tensor inMemory(const at::Tensor& tensor, at::MemoryFormat layout = at::MemoryFormat::Contiguous) {
  TORCH_CHECK(tensor.device().is_cpu() && tensor.layout() == at::kStrided,
              "Expected a dense tensor on the CPU in the backward pass, as in the forward pass, got one on ", tensor.device(), ".");
  return valuesOf(tensor, layout);
}

}  // namespace salmask
