// `salmask::fast_conv2d`: the convolutions of a network on a CPU with channels last. All others use libtorch's own
// operator.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/version.h>

#include <algorithm>
#include <string>

#include "blas.h"
#include "depthwise.h"
#include "onednn_convolution.h"
#include "optional.h"
#include "plain.h"
#include "saved.h"
#include "share_out.h"
#include "windows.h"
#include "winograd.h"

namespace salmask {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Bytes of unfolded windows per matrix product of one thread, so that they stay in its cache. */
constexpr int64_t kOwnBytes = 512 << 10;
/** The same of a product that all threads share. */
constexpr int64_t kSharedBytes = 8 << 20;
/** Numbers in a weight up to which each part of its gradient has sums of its own. */
constexpr int64_t kFewWeights = 1 << 15;
/** Parts of the windows whose sums are added in order, so that the number of threads does not matter. */
constexpr int64_t kParts = 16;

/** Planes with channels last as rows: `[B, C, H, W]` to `[B * H * W, C]`, without a copy. */
at::Tensor rowsOf(const at::Tensor& planes) { return planes.permute({0, 2, 3, 1}).view({-1, planes.size(1)}); }

/** `[out, in, k, k]` to `[out, k * k * in]`, in the order of a window's values. */
at::Tensor windowWeight(const at::Tensor& weight) { return weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1}); }

/** Memory for unfolded windows, a part for each thread. */
class Rooms {
 public:
  Rooms(const Windows& windows, int64_t rows)
      : places_(windows.outWidth), rooms_(at::empty({at::get_num_threads(), rows * places_, windows.rowLength()}, at::kFloat)) {}
  /** The calling thread's room for some rows of windows, `[rows * W', k * k * C]`. */
  at::Tensor own(int64_t rows) const { return rooms_[at::get_thread_num()].narrow(0, 0, rows * places_); }

 private:
  int64_t places_;
  at::Tensor rooms_;
};

/** The last two are for where oneDNN is absent or wrong, and for gradients that libtorch does not compute by it. */
enum class Way { Winograd, OneDnn, Pointwise, Unfolded };

Way wayOf(const at::Tensor& weight, Geometry geometry, bool hasOneDnn) {
  const int64_t kernel = weight.size(2);
  const bool fits = kernel == 3 && geometry.stride == 1 && geometry.padding == 1;
  if (fits && hasWinograd(weight.size(1), weight.size(0))) return Way::Winograd;
  if (hasOneDnn) return Way::OneDnn;
  return kernel == 1 && geometry.stride == 1 && geometry.padding == 0 ? Way::Pointwise : Way::Unfolded;
}

Way wayBack(const at::Tensor& input, const at::Tensor& weight, Geometry geometry) {
  return wayOf(weight, geometry, hasOneDnnGradients(input, weight, geometry));
}

at::Tensor channelsLast(at::IntArrayRef shape, const at::Tensor& like) {
  return at::empty(shape, like.options(), at::MemoryFormat::ChannelsLast);
}

/** Whether single pixels are read with gaps. */
bool skipsPixels(const at::Tensor& weight, Geometry geometry) {
  return weight.size(2) == 1 && geometry.stride > 1 && geometry.padding == 0;
}

/** Every pixel of `[B, C, H, W]` that a convolution of single pixels reads, as a view `[B, C, H', W']`. */
at::Tensor everyRead(const at::Tensor& planes, int64_t stride) {
  return planes.slice(2, 0, planes.size(2), stride).slice(3, 0, planes.size(3), stride);
}

/** The same without gaps, with channels last. */
at::Tensor thinned(const at::Tensor& planes, int64_t stride) {
  return everyRead(planes, stride).contiguous(at::MemoryFormat::ChannelsLast);
}

constexpr Geometry kSinglePixels{1, 0};

at::Tensor forwardPass(const at::Tensor& input, const at::Tensor& weight, Geometry geometry) {
  if (skipsPixels(weight, geometry)) return forwardPass(thinned(input, geometry.stride), weight, kSinglePixels);
  const Way way = wayOf(weight, geometry, hasOneDnnConvolution(weight, geometry));
  if (way == Way::Winograd) return winogradConvolution(input, weight);
  if (way == Way::OneDnn) return oneDnnConvolution(input, weight, geometry);
  const Windows windows(input, weight, geometry);
  auto output = channelsLast({input.size(0), weight.size(0), windows.outHeight, windows.outWidth}, input);
  const auto results = rowsOf(output);
  const auto transposed = windowWeight(weight).t();
  if (way == Way::Pointwise) {
    multiply(results, rowsOf(input), transposed);
    return output;
  }
  const int64_t rows = windows.rows(input.size(0)), step = std::min(rows, windows.rowsIn(kOwnBytes)), places = windows.outWidth;
  const Rooms rooms(windows, step);
  const SingleThreadedBlas blas;
  shareOut(rows, step, [&](int64_t begin, int64_t end) {
    const auto unfolded = rooms.own(end - begin);
    windows.unfold(input.data_ptr<float>(), begin, end, unfolded.data_ptr<float>());
    multiplyHere(results.narrow(0, begin * places, (end - begin) * places), unfolded, transposed);
  });
  return output;
}

at::Tensor inputGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient,
                         Geometry geometry) {
  if (skipsPixels(weight, geometry)) {
    auto result = channelsLast(input.sizes(), input).zero_();
    const auto read = everyRead(result, geometry.stride);
    read.copy_(inputGradient(channelsLast(read.sizes(), input), weight, gradient, kSinglePixels));
    return result;
  }
  const Way way = wayBack(input, weight, geometry);
  if (way == Way::Winograd) return winogradInputGradient(gradient, weight);
  if (way == Way::OneDnn) return oneDnnInputGradient(input, weight, gradient, geometry);
  auto result = channelsLast(input.sizes(), input);
  const auto rows = rowsOf(gradient), matrix = windowWeight(weight);
  if (way == Way::Pointwise) {
    multiply(rowsOf(result), rows, matrix);
    return result;
  }
  result.zero_();
  const Windows windows(input, weight, geometry);
  const int64_t images = input.size(0), step = std::min(images, windows.imagesIn(kSharedBytes));
  const auto unfolded = at::empty({step * windows.places(), windows.rowLength()}, at::kFloat);
  for (int64_t first = 0; first < images; first += step) {
    const int64_t count = std::min(step, images - first), length = count * windows.places();
    multiply(unfolded.narrow(0, 0, length), rows.narrow(0, first * windows.places(), length), matrix);
    windows.fold(unfolded.data_ptr<float>(), count, result.data_ptr<float>() + first * result.stride(0));
  }
  return result;
}

/** Few weights: each thread adds up parts of the windows by itself. */
at::Tensor sumPartByPart(const Windows& windows, const at::Tensor& input, const at::Tensor& gradients) {
  const int64_t rows = windows.rows(input.size(0)), places = windows.outWidth;
  const int64_t step = std::min(rows, windows.rowsIn(kOwnBytes));
  const Rooms rooms(windows, step);
  const auto sums = at::zeros({kParts, gradients.size(1), windows.rowLength()}, at::kFloat);
  const SingleThreadedBlas blas;
  shareOut(kParts, 1, [&](int64_t part, int64_t) {
    const int64_t end = rows * (part + 1) / kParts;
    for (int64_t first = rows * part / kParts; first < end; first += step) {
      const int64_t count = std::min(step, end - first);
      const auto unfolded = rooms.own(count);
      windows.unfold(input.data_ptr<float>(), first, first + count, unfolded.data_ptr<float>());
      multiplyHere(sums[part], gradients.narrow(0, first * places, count * places).t(), unfolded, true);
    }
  });
  return sums.sum(0);
}

/** Many weights: all threads unfold as many windows as fit, and then each adds up some of the sums. */
at::Tensor sumTogether(const Windows& windows, const at::Tensor& input, const at::Tensor& gradients) {
  const int64_t rows = windows.rows(input.size(0)), places = windows.outWidth, size = places * windows.rowLength();
  const int64_t step = std::min(rows, windows.rowsIn(kSharedBytes));
  const auto unfolded = at::empty({step * places, windows.rowLength()}, at::kFloat);
  float* room = unfolded.data_ptr<float>();
  const auto sum = at::zeros({gradients.size(1), windows.rowLength()}, at::kFloat);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    shareOut(count, windows.rowsIn(kOwnBytes), [&](int64_t begin, int64_t end) {
      windows.unfold(input.data_ptr<float>(), first + begin, first + end, room + begin * size);
    });
    multiply(sum, gradients.narrow(0, first * places, count * places).t(), unfolded.narrow(0, 0, count * places), true);
  }
  return sum;
}

at::Tensor weightGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient,
                          Geometry geometry) {
  if (skipsPixels(weight, geometry))
    return weightGradient(thinned(input, geometry.stride), weight, gradient, kSinglePixels);
  const Way way = wayBack(input, weight, geometry);
  if (way == Way::Winograd) return winogradWeightGradient(input, gradient);
  if (way == Way::OneDnn) return oneDnnWeightGradient(input, weight, gradient, geometry);
  const auto gradients = rowsOf(gradient);
  if (way == Way::Pointwise) {
    auto result = at::empty_like(weight);
    multiply(result.view({weight.size(0), weight.size(1)}), gradients.t(), rowsOf(input));
    return result;
  }
  const Windows windows(input, weight, geometry);
  const auto sum = (weight.numel() <= kFewWeights ? sumPartByPart : sumTogether)(windows, input, gradients);
  const int64_t kernel = weight.size(2);
  return sum.view({weight.size(0), kernel, kernel, weight.size(1)}).permute({0, 3, 1, 2}).contiguous();
}

struct Convolution : torch::autograd::Function<Convolution> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& weight, int64_t stride,
                            int64_t padding) {
    saveWithShapes(ctx, {input, weight});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["padding"] = padding;
    return forwardPass(input, weight, {stride, padding});
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = savedAsShaped(ctx);
    const auto input = inMemory(saved[0], at::MemoryFormat::ChannelsLast), weight = inMemory(saved[1]);
    const Geometry geometry{ctx->saved_data["stride"].toInt(), ctx->saved_data["padding"].toInt()};
    const auto gradient = inMemory(gradients[0], at::MemoryFormat::ChannelsLast);
    at::Tensor ofInput, ofWeight;
    if (ctx->needs_input_grad(0)) ofInput = inputGradient(input, weight, gradient, geometry);
    if (ctx->needs_input_grad(1)) ofWeight = weightGradient(input, weight, gradient, geometry);
    return {ofInput, ofWeight, at::Tensor(), at::Tensor()};
  }
};

bool autocasts(const c10::Device& device) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  return at::autocast::is_autocast_enabled(device.type());
#else
  return device.is_cuda() ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
#endif
}

/** The largest stride and padding: the product of two of them fits in an int64. */
constexpr int64_t kMostPlaces = (int64_t{1} << 31) - 1;

void expectSameKind(const char* name, const at::Tensor& tensor, const at::Tensor& input) {
  TORCH_CHECK(tensor.device() == input.device(), "Expected the ", name, " on ", input.device(), ", as the input, got ",
              tensor.device(), ".");
  TORCH_CHECK(tensor.scalar_type() == input.scalar_type() || autocasts(input.device()), "Expected the ", name, " of type ",
              input.scalar_type(), ", as the input, got ", tensor.scalar_type(), ".");
}

/** Throws for every argument that libtorch rejects, or on which libtorch crashes. */
void expectConvolution(const at::Tensor& input, const at::Tensor& weight, const optional<at::Tensor>& bias,
                       int64_t stride, int64_t padding, int64_t groups) {
  TORCH_CHECK(input.dim() == 3 || input.dim() == 4, "Expected an input [B, C, H, W] or [C, H, W], got ", input.sizes(), ".");
  TORCH_CHECK(weight.dim() == 4 && weight.size(0) > 0, "Expected a weight [out, in / groups, height, width], got ", weight.sizes(), ".");
  TORCH_CHECK(stride >= 1 && stride <= kMostPlaces, "Expected a stride from 1 to ", kMostPlaces, ", got ", stride, ".");
  TORCH_CHECK(padding >= 0 && padding <= kMostPlaces, "Expected a padding from 0 to ", kMostPlaces, ", got ", padding, ".");
  const int64_t out = weight.size(0), channels = input.size(-3);
  TORCH_CHECK(groups >= 1 && out % groups == 0, "Expected groups that ", out, " outputs divide into, got ", groups, ".");
  TORCH_CHECK(channels % groups == 0 && channels / groups == weight.size(1), "Expected an input of ",
              weight.size(1), groups == 1 ? "" : " x " + std::to_string(groups), " channels, got ", input.sizes(), ".");
  for (int64_t side = 2; side < 4; ++side) {
    const int64_t padded = input.size(side - 4) + 2 * padding;
    TORCH_CHECK(weight.size(side) >= 1 && weight.size(side) <= padded, "Expected a kernel that fits into the input ",
                input.sizes(), " with padding ", padding, ", got a weight ", weight.sizes(), ".");
  }
  expectSameKind("weight", weight, input);
  if (!bias.has_value()) return;
  TORCH_CHECK(bias->dim() == 1 && bias->size(0) == out, "Expected a bias [", out, "], got ", bias->sizes(), ".");
  expectSameKind("bias", *bias, input);
}

bool hasFloats(const at::Tensor& tensor) { return isPlain(tensor, at::kFloat) && tensor.numel() > 0; }

at::Tensor conv2d(const at::Tensor& input, const at::Tensor& weight, const optional<at::Tensor>& bias, int64_t stride,
                  int64_t padding, int64_t groups) {
  expectConvolution(input, weight, bias, stride, padding, groups);
  const bool isLaidOut = input.dim() == 4 && input.layout() == at::kStrided &&
                         input.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  const bool isPlainMath = isLaidOut && hasFloats(input) && hasFloats(weight) && !autocasts(at::kCPU);
  if (isPlainMath && (!bias.has_value() || hasFloats(*bias)) && hasDepthwise(weight, {stride, padding}, groups))
    return depthwiseConvolution(input.contiguous(at::MemoryFormat::ChannelsLast), weight.contiguous(), bias, padding);
  const bool isOurs = isPlainMath && groups == 1 && weight.size(2) == weight.size(3);
  if (!isOurs && input.device().is_cpu()) {
    // With channels last, libtorch 1.13's own kernels write outside their memory in the backward pass.
    return at::conv2d(input.contiguous(), weight.contiguous(), bias, stride, padding, /*dilation=*/1, groups);
  }
  if (!isOurs) return at::conv2d(input, weight, bias, stride, padding, /*dilation=*/1, groups);
  const auto planes = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto output = Convolution::apply(planes, weight.contiguous(), stride, padding);
  return bias.has_value() ? output + bias->view({1, -1, 1, 1}) : output;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def(
      "fast_conv2d(Tensor input, Tensor weight, Tensor? bias=None, int stride=1, int padding=0, int groups=1) -> Tensor",
      &conv2d);
}

}  // namespace salmask
