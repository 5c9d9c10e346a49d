// 3 x 3 convolutions of stride 1 and padding 1 with a quarter of the multiplications of the definition. These layers are nearly all of the work of a ResNet-18 and a third of that of a ResNet-50.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/** Whether these kernels support a convolution from `in` to `out` channels on this machine. */
bool hasWinograd(int64_t in, int64_t out);

/** `input` `[B, in, H, W]` with channels last and `weight` `[out, in, 3, 3]` to `[B, out, H, W]` with channels last. */
at::Tensor winogradConvolution(const at::Tensor& input, const at::Tensor& weight);

/** The gradient of the input, `[B, in, H, W]`, from that of the output, `[B, out, H, W]`; both have channels last. */
at::Tensor winogradInputGradient(const at::Tensor& gradient, const at::Tensor& weight);

/**
 * The gradient of the weight, `[out, in, 3, 3]`. Both arguments have channels last. Does not depend on the number of
 * threads.
 */
at::Tensor winogradWeightGradient(const at::Tensor& input, const at::Tensor& gradient);

namespace winograd {

/** The functions above for vectors of one width. Channels are multiples of `lanes`. */
struct Width {
  int64_t lanes;
  /** Whether this machine has such vectors. */
  bool (*isHere)();
  at::Tensor (*convolution)(const at::Tensor& input, const at::Tensor& weight);
  at::Tensor (*inputGradient)(const at::Tensor& gradient, const at::Tensor& weight);
  at::Tensor (*weightGradient)(const at::Tensor& input, const at::Tensor& gradient);
};

namespace eight {
extern const Width kWidth;
}
namespace sixteen {
extern const Width kWidth;
}

}  // namespace winograd

}  // namespace salmask
