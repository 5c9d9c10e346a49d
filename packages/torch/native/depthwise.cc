#include "depthwise.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "saved.h"
#include "vector.h"

#include "vector_target.h"
#include "depthwise_kernels.h"
#pragma GCC pop_options

namespace salmask {
namespace {

using depthwise::kPlaces;
using depthwise::Padded;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** `[C, 1, k, k]` to `[k * k, C]`. */
at::Tensor byPlace(const at::Tensor& weight) { return weight.flatten(1).t().contiguous(); }

/** Copies images `[H, W, C]` into zeros, one at a time. */
struct Room {
  int64_t height, width, channels, padding, rows, columns;
  std::vector<float> values;

  /** Of an input with `padding` zeros on each side, and more on the right, for outputs of `outWidth` places a row. */
  Room(const at::Tensor& input, int64_t padding, int64_t kernel, int64_t outWidth)
      : height(input.size(2)), width(input.size(3)), channels(input.size(1)), padding(padding) {
    const int64_t places = (outWidth + kPlaces - 1) / kPlaces * kPlaces;
    rows = height + 2 * padding;
    columns = std::max(width + 2 * padding, places + kernel - 1);
    values.assign(rows * columns * channels, 0.f);
  }

  Padded with(const float* image) {
    for (int64_t y = 0; y < height; ++y)
      std::copy_n(image + y * width * channels, width * channels,
                  values.data() + ((y + padding) * columns + padding) * channels);
    return {values.data(), rows, columns, channels};
  }
};

/** Calls `use(K)` with the kernel's side as a type. */
template <typename Use>
void withSide(int64_t kernel, const Use& use) {
  if (kernel == 3) use(std::integral_constant<int64_t, 3>{});
  else if (kernel == 5) use(std::integral_constant<int64_t, 5>{});
  else use(std::integral_constant<int64_t, 7>{});
}

/**
 * Calls `use(K, padded, y, row, image)` for each row of the output: the kernel's side as a type, the padded image, the row within
 * the image and among all images, and the image.
 */
template <typename Use>
void overRows(const at::Tensor& input, int64_t kernel, int64_t padding, int64_t outHeight, int64_t outWidth, const Use& use) {
  const float* from = input.data_ptr<float>();
  const int64_t inSize = input.size(1) * input.size(2) * input.size(3);
  withSide(kernel, [&](auto side) {
    at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
      Room room(input, padding, kernel, outWidth);
      for (int64_t image = begin; image < end; ++image) {
        const Padded padded = room.with(from + image * inSize);
        for (int64_t y = 0; y < outHeight; ++y) use(side, padded, y, image * outHeight + y, image);
      }
    });
  });
}

/** `weights` `[k * k, C]`, `bias` `[C]` or null. */
at::Tensor convolve(const at::Tensor& input, const at::Tensor& weights, const float* bias, int64_t kernel, int64_t padding) {
  const int64_t images = input.size(0), channels = input.size(1);
  const int64_t outHeight = input.size(2) + 2 * padding - kernel + 1, outWidth = input.size(3) + 2 * padding - kernel + 1;
  auto output = at::empty({images, channels, outHeight, outWidth}, input.options(), at::MemoryFormat::ChannelsLast);
  const float* factors = weights.data_ptr<float>();
  float* to = output.data_ptr<float>();
  overRows(input, kernel, padding, outHeight, outWidth, [&](auto side, const Padded& padded, int64_t y, int64_t row, int64_t) {
    depthwise::convolveRow<decltype(side)::value>(padded, y, outWidth, factors, bias, to + row * outWidth * channels);
  });
  return output;
}

/** `[C, 1, k, k]`. Images are summed in their order, so that threads do not matter. */
at::Tensor weightGradient(const at::Tensor& input, const at::Tensor& gradient, int64_t kernel, int64_t padding) {
  const int64_t images = input.size(0), channels = input.size(1), outHeight = gradient.size(2), outWidth = gradient.size(3);
  const auto each = at::zeros({images, kernel * kernel, channels}, input.options());
  const float* by = gradient.data_ptr<float>();
  float* to = each.data_ptr<float>();
  overRows(input, kernel, padding, outHeight, outWidth, [&](auto side, const Padded& padded, int64_t y, int64_t row, int64_t image) {
    depthwise::addWeightGradient<decltype(side)::value>(padded, y, outWidth, by + row * outWidth * channels,
                                                        to + image * kernel * kernel * channels);
  });
  return each.sum(0).t().reshape({channels, 1, kernel, kernel});
}

struct Depthwise : torch::autograd::Function<Depthwise> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input, const at::Tensor& weight,
                            const optional<at::Tensor>& bias, int64_t padding) {
    saveWithShapes(ctx, {input, weight});
    ctx->saved_data["padding"] = padding;
    ctx->saved_data["has_bias"] = bias.has_value();
    const auto values = bias.has_value() ? bias->contiguous() : at::Tensor();
    return convolve(input, byPlace(weight), bias.has_value() ? values.data_ptr<float>() : nullptr, weight.size(2), padding);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = savedAsShaped(ctx);
    const auto input = inMemory(saved[0], at::MemoryFormat::ChannelsLast), weight = inMemory(saved[1]);
    const int64_t padding = ctx->saved_data["padding"].toInt(), kernel = weight.size(2);
    const auto gradient = inMemory(gradients[0], at::MemoryFormat::ChannelsLast);
    at::Tensor ofInput, ofWeight, ofBias;
    if (ctx->needs_input_grad(0)) ofInput = convolve(gradient, byPlace(weight.flip({2, 3})), nullptr, kernel, kernel - 1 - padding);
    if (ctx->needs_input_grad(1)) ofWeight = weightGradient(input, gradient, kernel, padding);
    // A bias that is not there has no place among the inputs.
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) ofBias = gradient.sum(c10::IntArrayRef{0, 2, 3});
    return {ofInput, ofWeight, ofBias, at::Tensor()};
  }
};

}  // namespace

bool hasDepthwise(const at::Tensor& weight, Geometry geometry, int64_t groups) {
  const int64_t kernel = weight.size(2);
  const bool isKnown = kernel == weight.size(3) && (kernel == 3 || kernel == 5 || kernel == 7);
  return isKnown && hasVectorUnit() && groups > 1 && groups == weight.size(0) && weight.size(1) == 1 && groups % kLanes == 0 &&
         geometry.stride == 1 && geometry.padding < kernel;
}

at::Tensor depthwiseConvolution(const at::Tensor& input, const at::Tensor& weight, const optional<at::Tensor>& bias,
                                int64_t padding) {
  return Depthwise::apply(input, weight, bias, padding);
}

}  // namespace salmask
