#include "onednn_convolution.h"

#include <ATen/native/ConvUtils.h>
#include <torch/version.h>

#include <array>
#include <tuple>

namespace salmask {
namespace {

/** A geometry as libtorch's operators take it. */
struct Sides {
  std::array<int64_t, 2> stride, padding, dilation{1, 1}, none{0, 0};
  explicit Sides(Geometry geometry)
      : stride{geometry.stride, geometry.stride}, padding{geometry.padding, geometry.padding} {}
};

/** Gradients of the input, of the weight and of the bias, of which those that are wanted are computed. */
auto gradients(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient, Geometry geometry,
               std::array<bool, 3> wanted) {
  const Sides sides(geometry);
  return at::convolution_backward(gradient, input, weight, at::OptionalIntArrayRef(), sides.stride, sides.padding,
                                  sides.dilation, false, sides.none, 1, wanted);
}

/**
 * oneDNN 2.6 (libtorch 1.13) writes behind the end of a buffer in the weight's gradient of single pixels with a stride, as from
 * [1, 8, 64, 64] to 16 channels.
 */
bool isSafe(const at::Tensor& weight, Geometry geometry) { return weight.size(2) > 1 || geometry.stride == 1; }

}  // namespace

bool hasOneDnnConvolution(const at::Tensor& weight, Geometry geometry) {
  return at::hasMKLDNN() && at::globalContext().userEnabledMkldnn() && isSafe(weight, geometry);
}

bool hasOneDnnGradients(const at::Tensor& input, const at::Tensor& weight, Geometry geometry) {
  if (!isSafe(weight, geometry)) return false;
  const Sides sides(geometry);
#if TORCH_VERSION_MAJOR >= 2
  const auto symbolic = [](const std::array<int64_t, 2>& values) { return c10::fromIntArrayRefSlow(values); };
  const auto backend = at::native::select_conv_backend(input, weight, {}, symbolic(sides.stride), symbolic(sides.padding),
                                                       symbolic(sides.dilation), false, symbolic(sides.none), 1, {});
#else
  const auto backend = at::native::select_conv_backend(input, weight, {}, sides.stride, sides.padding, sides.dilation, false,
                                                       sides.none, 1);
#endif
  return backend == at::native::ConvBackend::Mkldnn;
}

at::Tensor oneDnnConvolution(const at::Tensor& input, const at::Tensor& weight, Geometry geometry) {
  const Sides sides(geometry);
  return at::mkldnn_convolution(input, weight, {}, sides.padding, sides.stride, sides.dilation, 1);
}

at::Tensor oneDnnInputGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient, Geometry geometry) {
  return std::get<0>(gradients(input, weight, gradient, geometry, {true, false, false}));
}

at::Tensor oneDnnWeightGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient, Geometry geometry) {
  return std::get<1>(gradients(input, weight, gradient, geometry, {false, true, false})).contiguous();
}

}  // namespace salmask
