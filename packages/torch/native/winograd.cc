#include "winograd.h"

namespace salmask {
namespace {

using winograd::Width;

/** The widest vectors that this machine has and that divide the channels; null if there are none. */
const Width* widthFor(int64_t in, int64_t out) {
  static const Width* const widths[] = {
#if defined(__x86_64__)
      &winograd::sixteen::kWidth,
#endif
      &winograd::eight::kWidth,
  };
  for (const Width* width : widths)
    if (in % width->lanes == 0 && out % width->lanes == 0 && width->isHere()) return width;
  return nullptr;
}

const Width& widthOf(const at::Tensor& weight) { return *widthFor(weight.size(1), weight.size(0)); }

}  // namespace

bool hasWinograd(int64_t in, int64_t out) { return widthFor(in, out) != nullptr; }

at::Tensor winogradConvolution(const at::Tensor& input, const at::Tensor& weight) {
  return widthOf(weight).convolution(input, weight);
}

at::Tensor winogradInputGradient(const at::Tensor& gradient, const at::Tensor& weight) {
  return widthOf(weight).inputGradient(gradient, weight);
}

at::Tensor winogradWeightGradient(const at::Tensor& input, const at::Tensor& gradient) {
  return widthFor(input.size(1), gradient.size(1))->weightGradient(input, gradient);
}

}  // namespace salmask
