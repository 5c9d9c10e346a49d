// `salmask::fast_batch_norm`: batch normalisation with the addition and the ReLU that follow it in a ResNet, on a CPU
// with channels last. These layers are limited by memory bandwidth: one kernel for all three reads two thirds of what
// three kernels read. In training, the moments can be those of the batches of all ranks of a process group.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "distributed/group.h"
#include "optional.h"
#include "plain.h"
#include "saved.h"
#include "share_out.h"
#include "vector.h"

#include "vector_target.h"
#include "batch_norm_kernels.h"
#pragma GCC pop_options

namespace salmask {
namespace {

using batchnorm::Then;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Rows that are summed in float32; the sums of chunks are added in float64. It does not depend on the number of threads. */
constexpr int64_t kChunkRows = 256;

/**
 * Rows whose gradients are summed in float32. An error of their mean moves the gradients of a whole channel to one side, and the
 * layers before add that up over all rows.
 */
constexpr int64_t kGradientRows = 16;

struct Rows {
  int64_t count, channels;
  explicit Rows(const at::Tensor& planes) : count(planes.numel() / planes.size(1)), channels(planes.size(1)) {}
  int64_t chunks() const { return (count + kChunkRows - 1) / kChunkRows; }

  /** Calls `visit(chunk, first row, rows)` for each chunk, on all threads. */
  template <typename Visit>
  void eachChunk(const Visit& visit) const {
    shareOut(count, kChunkRows, [&](int64_t first, int64_t end) { visit(first / kChunkRows, first, end - first); });
  }
};

/** Adds the chunks' pairs of sums `[chunks, 2, channels]` in float64, in their order: `[2, channels]`. */
at::Tensor total(const at::Tensor& sums) { return sums.to(at::kDouble).sum(0); }

/** The values of a tensor from `offset`; null if there is no tensor. Kernels without that tensor do not read the pointer. */
float* pointer(const at::Tensor& tensor, int64_t offset = 0) {
  return tensor.defined() ? tensor.data_ptr<float>() + offset : nullptr;
}

/** A pair of sums per chunk, `[chunks, 2, channels]`. */
at::Tensor chunkSums(const Rows& rows, at::ScalarType type) { return at::zeros({rows.chunks(), 2, rows.channels}, type); }

struct Moments {
  at::Tensor mean, variance;  // [channels], float64; the variance is the biased one
  int64_t rows;               // of all ranks
};

Moments momentsOf(const at::Tensor& input) {
  const Rows rows(input);
  const auto sums = chunkSums(rows, at::kFloat);
  // Sums of differences from an approximate mean keep their precision where the mean is far from 0.
  const auto shift = input.select(0, 0).mean({1, 2});  // [channels]
  rows.eachChunk([&](int64_t chunk, int64_t first, int64_t count) {
    float* sum = pointer(sums, chunk * 2 * rows.channels);
    const float* from = pointer(input, first * rows.channels);
    batchnorm::addMoments(from, count, rows.channels, pointer(shift), sum, sum + rows.channels);
  });
  const auto means = total(sums) / static_cast<double>(rows.count);  // [2, channels]
  return {means[0] + shift, (means[1] - means[0] * means[0]).clamp_min_(0), rows.count};
}

/** The axes of `[B, C, ...]` without the channels. */
std::vector<int64_t> axesOfRows(const at::Tensor& planes) {
  std::vector<int64_t> axes{0};
  for (int64_t axis = 2; axis < planes.dim(); ++axis) axes.push_back(axis);
  return axes;
}

/** `[channels]` as `[1, channels, 1, ...]`, to be used with `planes`. */
at::Tensor perChannel(const at::Tensor& values, const at::Tensor& planes, at::ScalarType type) {
  std::vector<int64_t> shape(planes.dim(), 1);
  shape[1] = -1;
  return values.to(type).reshape(shape);
}

/** The moments of any input, computed by libtorch's operators. */
Moments momentsOfAny(const at::Tensor& input) {
  const auto axes = axesOfRows(input);
  const auto exact = input.to(at::kDouble);
  return {exact.mean(axes), exact.var(axes, /*unbiased=*/false), Rows(input).count};
}

/** The moments of the batches of all ranks, of any sizes, from those of this rank's (Chan et al. 1979). */
Moments overRanks(const Moments& own, distributed::Group& group) {
  const int64_t channels = own.mean.size(0);
  const auto count = at::full({1}, static_cast<double>(own.rows), own.mean.options());
  const auto all = group.allGather(at::cat({own.mean, own.variance, count}));       // [W, 2 * channels + 1]
  const auto means = all.narrow(1, 0, channels);                                    // [W, channels]
  const auto counts = all.narrow(1, 2 * channels, 1);                               // [W, 1]
  const auto rows = counts.sum();
  const auto shares = counts / rows;                                                // [W, 1]
  const auto mean = (shares * means).sum(0);                                        // [channels]
  const auto between = (means - mean).square();                                     // [W, channels]
  return {mean, (shares * (all.narrow(1, channels, channels) + between)).sum(0), rows.item<int64_t>()};
}

/** A pair of sums per channel `[2, channels]`, added up over the ranks of a group; 0 is no group. */
at::Tensor sumOverRanks(const at::Tensor& sums, int64_t group) {
  if (group == 0) return sums;
  const auto all = sums.clone();
  distributed::groupOf(group)->allReduce(all);
  return all;
}

template <Then then>
struct BatchNorm : torch::autograd::Function<BatchNorm<then>> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const optional<at::Tensor>& residual,
                            const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean,
                            const at::Tensor& inverse, int64_t rowsOfAll, int64_t group) {
    const Rows rows(input);
    ctx->saved_data["rows"] = rowsOfAll;
    ctx->saved_data["group"] = group;
    const auto exact = weight * inverse;  // float64
    const auto scale = exact.to(at::kFloat), shift = (bias - mean * exact).to(at::kFloat);
    const auto output = at::empty_like(input), added = residual.value_or(at::Tensor());
    rows.eachChunk([&](int64_t, int64_t first, int64_t count) {
      const int64_t at = first * rows.channels;
      batchnorm::normalize<then>(pointer(input, at), pointer(added, at), pointer(output, at), count, rows.channels,
                                 pointer(scale), pointer(shift));
    });
    const auto kept = then == Then::AddAndRelu ? output : at::Tensor();
    saveWithShapes(ctx, {input, kept, scale, shift, mean.to(at::kFloat), inverse});
    return output;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = savedAsShaped(ctx);
    const auto input = inMemory(saved[0], at::MemoryFormat::ChannelsLast);
    const auto output = then == Then::AddAndRelu ? inMemory(saved[1], at::MemoryFormat::ChannelsLast) : at::Tensor();
    const at::Tensor &scale = saved[2], &shift = saved[3], &mean = saved[4], &inverse = saved[5];
    const Rows rows(input);
    auto gradient = inMemory(gradients[0], at::MemoryFormat::ChannelsLast);
    const auto ofResidual = then == Then::AddAndRelu ? at::empty_like(input) : at::Tensor();
    const auto sums = chunkSums(rows, at::kDouble);
    rows.eachChunk([&](int64_t chunk, int64_t first, int64_t count) {
      double* const sum = sums.data_ptr<double>() + chunk * 2 * rows.channels;
      std::vector<float> part(2 * rows.channels);
      for (int64_t row = 0; row < count; row += kGradientRows) {
        const int64_t at = (first + row) * rows.channels;
        batchnorm::addGradientMoments<then>(pointer(gradient, at), pointer(input, at), pointer(output, at),
                                            pointer(ofResidual, at), std::min(kGradientRows, count - row), rows.channels,
                                            pointer(scale), pointer(shift), pointer(mean), part.data(),
                                            part.data() + rows.channels);
        batchnorm::moveSums(part.data(), sum, 2 * rows.channels);
      }
    });
    const auto totals = total(sums);  // [2, channels]
    const auto ofAll = sumOverRanks(totals, ctx->saved_data["group"].toInt());
    const auto perRow = -scale * ofAll / static_cast<double>(ctx->saved_data["rows"].toInt());
    const auto constant = perRow[0].to(at::kFloat), slope = (perRow[1] * inverse * inverse).to(at::kFloat);
    const auto through = then == Then::AddAndRelu ? ofResidual : gradient;
    // The gradient of a sum over the planes was made whole above; its memory serves the input's gradient.
    gradient.reset();
    const auto ofInput = at::empty_like(input);
    rows.eachChunk([&](int64_t, int64_t first, int64_t count) {
      const int64_t at = first * rows.channels;
      batchnorm::writeInputGradient<then>(pointer(through, at), pointer(input, at), pointer(ofInput, at), count,
                                          rows.channels, pointer(scale), pointer(shift), pointer(mean), pointer(slope),
                                          pointer(constant));
    });
    const auto ofWeight = (totals[1] * inverse).to(at::kFloat), ofBias = totals[0].to(at::kFloat);
    return {ofInput, ofResidual, ofWeight, ofBias, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

/** Normalisation by moments over ranks of what the kernels above do not take: libtorch has no such operator for a CPU. */
struct AnyBatchNorm : torch::autograd::Function<AnyBatchNorm> {
  static at::ScalarType computedIn(const at::Tensor& input) {
    return input.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  }

  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const optional<at::Tensor>& weight,
                            const optional<at::Tensor>& bias, const at::Tensor& mean, const at::Tensor& inverse,
                            int64_t rowsOfAll, int64_t group) {
    const auto type = computedIn(input);
    const auto scale = weight.has_value() ? *weight * inverse : inverse;  // [channels], float64
    auto output = (input.to(type) - perChannel(mean, input, type)) * perChannel(scale, input, type);
    if (bias.has_value()) output += perChannel(*bias, input, type);
    ctx->saved_data["rows"] = rowsOfAll;
    ctx->saved_data["group"] = group;
    saveWithShapes(ctx, {input, mean, inverse, scale, weight.value_or(at::Tensor()), bias.value_or(at::Tensor())});
    return output.to(input.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = savedAsShaped(ctx);
    const at::Tensor &input = saved[0], &mean = saved[1], &inverse = saved[2], &scale = saved[3], &weight = saved[4];
    const auto type = computedIn(input);
    const auto axes = axesOfRows(input);
    const auto gradient = gradients[0].to(type), centred = input.to(type) - perChannel(mean, input, type);
    const auto totals =
        at::stack({gradient.sum(axes, false, at::kDouble), (gradient * centred).sum(axes, false, at::kDouble)});
    const auto perRow = sumOverRanks(totals, ctx->saved_data["group"].toInt()) /
                        static_cast<double>(ctx->saved_data["rows"].toInt());  // [2, channels]
    const auto slope = perChannel(perRow[1] * inverse * inverse, input, type);
    const auto ofInput = (gradient - perChannel(perRow[0], input, type) - centred * slope) * perChannel(scale, input, type);
    const auto none = at::Tensor();
    const auto ofWeight = weight.defined() ? (totals[1] * inverse).to(weight.scalar_type()) : none;
    const auto ofBias = saved[5].defined() ? totals[0].to(saved[5].scalar_type()) : none;
    return {ofInput.to(input.scalar_type()), ofWeight, ofBias, none, none, none, none};
  }
};

/** Updates the running moments with those of a batch; the running variance uses the unbiased variance, as in PyTorch. */
void track(const Moments& batch, const at::Tensor& runningMean, const at::Tensor& runningVar, double momentum) {
  const double unbiased = static_cast<double>(batch.rows) / static_cast<double>(batch.rows - 1);
  runningMean.mul_(1 - momentum).add_(batch.mean, momentum);
  runningVar.mul_(1 - momentum).add_(batch.variance, momentum * unbiased);
}

/** Checks that statistics or weights have the shape `[C]` of the input's channels and are on its device. */
void expectPerChannel(const char* name, const at::Tensor& tensor, const at::Tensor& input) {
  TORCH_CHECK(tensor.dim() == 1 && tensor.size(0) == input.size(1), "Expected a ", name, " [", input.size(1), "], got ",
              tensor.sizes(), ".");
  TORCH_CHECK(tensor.device() == input.device(), "Expected the ", name, " on ", input.device(), ", as the input, got ",
              tensor.device(), ".");
}

bool isFloats(const at::Tensor& tensor) { return isPlain(tensor, at::kFloat); }

at::Tensor batchNorm(const at::Tensor& input, const optional<at::Tensor>& weight,
                     const optional<at::Tensor>& bias, const at::Tensor& runningMean, const at::Tensor& runningVar,
                     bool training, double momentum, double eps, const optional<at::Tensor>& residual, bool relu,
                     int64_t group) {
  TORCH_CHECK(input.dim() >= 2, "Expected an input [B, C, ...], got ", input.sizes(), ".");
  const bool isOverRanks = training && group != 0;
  TORCH_CHECK(!isOverRanks || input.numel() > 0, "Expected at least one photo on each rank, got an input ", input.sizes(), ".");
  TORCH_CHECK(!training || isOverRanks || input.numel() != input.size(1),
              "Expected more than one value per channel in training, got an input ", input.sizes(), ".");
  if (weight.has_value()) expectPerChannel("weight", *weight, input);
  if (bias.has_value()) expectPerChannel("bias", *bias, input);
  expectPerChannel("running mean", runningMean, input);
  expectPerChannel("running variance", runningVar, input);
  if (residual.has_value()) {
    TORCH_CHECK(residual->sizes() == input.sizes(), "Expected a residual of the input's shape ", input.sizes(), ", got ",
                residual->sizes(), ".");
    TORCH_CHECK(residual->device() == input.device(), "Expected the residual on ", input.device(), ", as the input, got ",
                residual->device(), ".");
    TORCH_CHECK(residual->scalar_type() == input.scalar_type(), "Expected the residual of type ", input.scalar_type(),
                ", as the input, got ", residual->scalar_type(), ".");
  }
  const bool isLayer = weight.has_value() && bias.has_value() && relu >= residual.has_value();
  const bool isLaidOut = input.dim() == 4 && isFloats(input) && input.size(1) % kLanes == 0 && input.numel() > input.size(1) &&
                         input.is_contiguous(at::MemoryFormat::ChannelsLast);
  const bool areFloats = isLayer && isFloats(*weight) && isFloats(*bias) && isFloats(runningMean) && isFloats(runningVar) &&
                         (!residual.has_value() || isFloats(*residual));
  // The backward pass of this kernel is correct only for moments of the batch.
  const bool isOurs = isLaidOut && areFloats && hasVectorUnit() && (training || !at::GradMode::is_enabled());
  Moments moments;
  if (isOverRanks) {
    const at::NoGradGuard constants;
    moments = overRanks(isOurs ? momentsOf(input) : momentsOfAny(input), *distributed::groupOf(group));
    TORCH_CHECK(moments.rows > 1, "Expected more than one value per channel in training, got one on all ranks together.");
  }
  if (isOverRanks && !isOurs) {
    at::Tensor inverse;  // [channels], float64
    {
      const at::NoGradGuard constants;
      track(moments, runningMean, runningVar, momentum);
      inverse = (moments.variance + eps).rsqrt();
    }
    auto output = AnyBatchNorm::apply(input, weight, bias, moments.mean, inverse, moments.rows, group);
    if (residual.has_value()) output = output + *residual;
    return relu ? output.relu() : output;
  }
  if (!isOurs) {
    auto output = at::batch_norm(input, weight, bias, runningMean, runningVar, training, momentum, eps, true);
    if (residual.has_value()) output.add_(*residual);
    return relu ? output.relu_() : output;
  }
  at::Tensor mean, inverse;  // [channels], float64
  {
    const at::NoGradGuard constants;
    if (!training) moments = {runningMean.to(at::kDouble), runningVar.to(at::kDouble), Rows(input).count};
    else if (!isOverRanks) moments = momentsOf(input);
    if (training) track(moments, runningMean, runningVar, momentum);
    mean = moments.mean;
    inverse = (moments.variance + eps).rsqrt();
  }
  const int64_t rows = moments.rows, ranks = isOverRanks ? group : 0;
  if (!relu) return BatchNorm<Then::Nothing>::apply(input, nullopt, *weight, *bias, mean, inverse, rows, ranks);
  if (!residual.has_value()) return BatchNorm<Then::Relu>::apply(input, nullopt, *weight, *bias, mean, inverse, rows, ranks);
  const optional<at::Tensor> added = residual->contiguous(at::MemoryFormat::ChannelsLast);
  return BatchNorm<Then::AddAndRelu>::apply(input, added, *weight, *bias, mean, inverse, rows, ranks);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def(
      "fast_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, Tensor(b!) running_var, bool training, "
      "float momentum, float eps, Tensor? residual=None, bool relu=False, int group=0) -> Tensor",
      &batchNorm);
}

}  // namespace salmask
