// `salmask::fast_batch_norm`: batch normalisation with the addition and the ReLU that follow it in a ResNet, on a CPU
// with channels last. These layers are limited by memory bandwidth: one kernel for all three reads two thirds of what
// three kernels read.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "optional.h"
#include "vector.h"

#pragma GCC push_options
#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif
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
    at::parallel_for(0, chunks(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = begin; chunk < end; ++chunk)
        visit(chunk, chunk * kChunkRows, std::min(kChunkRows, count - chunk * kChunkRows));
    });
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
  return {means[0] + shift, (means[1] - means[0] * means[0]).clamp_min_(0)};
}

template <Then then>
struct BatchNorm : torch::autograd::Function<BatchNorm<then>> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const optional<at::Tensor>& residual,
                            const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mean,
                            const at::Tensor& inverse) {
    const Rows rows(input);
    const auto exact = weight * inverse;  // float64
    const auto scale = exact.to(at::kFloat), shift = (bias - mean * exact).to(at::kFloat);
    const auto output = at::empty_like(input), added = residual.value_or(at::Tensor());
    rows.eachChunk([&](int64_t, int64_t first, int64_t count) {
      const int64_t at = first * rows.channels;
      batchnorm::normalize<then>(pointer(input, at), pointer(added, at), pointer(output, at), count, rows.channels,
                                 pointer(scale), pointer(shift));
    });
    const auto kept = then == Then::AddAndRelu ? output : at::Tensor();
    ctx->save_for_backward({input, kept, scale, shift, mean.to(at::kFloat), inverse});
    return output;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &input = saved[0], &output = saved[1], &scale = saved[2], &shift = saved[3], &mean = saved[4];
    const at::Tensor& inverse = saved[5];
    const Rows rows(input);
    auto gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
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
    const auto perRow = -scale * totals / static_cast<double>(rows.count);
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
    return {ofInput, ofResidual, ofWeight, ofBias, at::Tensor(), at::Tensor()};
  }
};

/** Updates the running moments with those of a batch; the running variance uses the unbiased variance, as in PyTorch. */
void track(const Moments& batch, const at::Tensor& runningMean, const at::Tensor& runningVar, double momentum, int64_t rows) {
  const double unbiased = static_cast<double>(rows) / static_cast<double>(rows - 1);
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

bool isFloats(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.layout() == at::kStrided && tensor.scalar_type() == at::kFloat && !tensor.is_neg();
}

at::Tensor batchNorm(const at::Tensor& input, const optional<at::Tensor>& weight,
                     const optional<at::Tensor>& bias, const at::Tensor& runningMean, const at::Tensor& runningVar,
                     bool training, double momentum, double eps, const optional<at::Tensor>& residual, bool relu) {
  TORCH_CHECK(input.dim() >= 2, "Expected an input [B, C, ...], got ", input.sizes(), ".");
  TORCH_CHECK(!training || input.numel() != input.size(1), "Expected more than one value per channel in training, got an input ",
              input.sizes(), ".");
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
  if (!isOurs) {
    auto output = at::batch_norm(input, weight, bias, runningMean, runningVar, training, momentum, eps, true);
    if (residual.has_value()) output.add_(*residual);
    return relu ? output.relu_() : output;
  }
  at::Tensor mean, inverse;  // [channels], float64
  {
    const at::NoGradGuard constants;
    const Moments moments =
        training ? momentsOf(input) : Moments{runningMean.to(at::kDouble), runningVar.to(at::kDouble)};
    if (training) track(moments, runningMean, runningVar, momentum, Rows(input).count);
    mean = moments.mean;
    inverse = (moments.variance + eps).rsqrt();
  }
  if (!relu) return BatchNorm<Then::Nothing>::apply(input, nullopt, *weight, *bias, mean, inverse);
  if (!residual.has_value()) return BatchNorm<Then::Relu>::apply(input, nullopt, *weight, *bias, mean, inverse);
  const optional<at::Tensor> added = residual->contiguous(at::MemoryFormat::ChannelsLast);
  return BatchNorm<Then::AddAndRelu>::apply(input, added, *weight, *bias, mean, inverse);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def(
      "fast_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, Tensor(b!) running_var, bool training, "
      "float momentum, float eps, Tensor? residual=None, bool relu=False) -> Tensor",
      &batchNorm);
}

}  // namespace salmask
