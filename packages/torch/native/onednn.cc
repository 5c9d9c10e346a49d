#include "onednn.h"

#include <ATen/ATen.h>

#include <array>
#include <tuple>

namespace salmask {
namespace {

struct Layer {
  int64_t in, out, kernel, stride;
};
/** Two of those that were wrong where any were: by AVX-512, and by AVX2. */
constexpr Layer kLayers[] = {{3, 12, 3, 1}, {12, 12, 7, 2}};
constexpr int64_t kImages = 4, kSide = 16;

/** Values of all signs that need no random numbers, which would move a generator. */
at::Tensor values(at::IntArrayRef shape, double from) {
  return at::arange(c10::multiply_integers(shape), at::kFloat).add_(from).sin_().reshape(shape);
}

/** Output, gradient of the input, and gradient of the weight, with channels first. */
std::array<at::Tensor, 3> resultsOf(const Layer& layer) {
  const std::array<int64_t, 2> stride{layer.stride, layer.stride}, padding{layer.kernel / 2, layer.kernel / 2};
  const std::array<int64_t, 2> dilation{1, 1}, none{0, 0};
  const at::Tensor input = values({kImages, layer.in, kSide, kSide}, 0.5);
  const at::Tensor weight = values({layer.out, layer.in, layer.kernel, layer.kernel}, 1.5);
  const at::Tensor output = at::conv2d(input, weight, {}, stride, padding, dilation, 1);
  const auto gradients =
      at::convolution_backward(values(output.sizes(), 2.5), input, weight, at::OptionalIntArrayRef(), stride, padding,
                               dilation, false, none, 1, {true, true, false});
  return {output, std::get<0>(gradients), std::get<1>(gradients)};
}

/** Leaves oneDNN on. */
bool isRight(at::Context& context, double bound) {
  const at::NoGradGuard noGrad;
  // libtorch's threads begin with the first work that is shared among them, which is not this.
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  bool agree = true;
  for (const Layer& layer : kLayers) {
    const auto fast = resultsOf(layer);
    context.setUserEnabledMkldnn(false);
    const auto plain = resultsOf(layer);
    context.setUserEnabledMkldnn(true);
    for (size_t i = 0; i < fast.size(); ++i) {
      const double difference = (fast[i] - plain[i]).abs().max().item<double>();
      // NaN is within no bound.
      agree = agree && difference <= bound * plain[i].abs().max().item<double>();
    }
  }
  at::set_num_threads(threads);
  return agree;
}

}  // namespace

napi_value checkOneDnn(const Arguments& args) {
  static const char* const found = [&] {
    at::Context& context = at::globalContext();
    if (!at::hasMKLDNN() || !context.userEnabledMkldnn()) return "absent";
    if (isRight(context, toDouble(args.env, args[0], "bound"))) return "right";
    context.setUserEnabledMkldnn(false);
    return "wrong";
  }();
  return fromString(args.env, found);
}

}  // namespace salmask
