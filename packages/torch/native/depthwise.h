// Convolutions of single channels, as many groups as channels, on a CPU with channels last.
#pragma once
#include <ATen/ATen.h>

#include "optional.h"
#include "windows.h"

namespace salmask {

/** Whether our kernels compute this convolution of `weight` `[out, in / groups, k, k]`. */
bool hasDepthwise(const at::Tensor& weight, Geometry geometry, int64_t groups);

/**
 * `[B, C, H, W]` with channels last to the same, with `weight` `[C, 1, k, k]` and `bias` `[C]`, where hasDepthwise. Gradients flow to all
 * three.
 */
at::Tensor depthwiseConvolution(const at::Tensor& input, const at::Tensor& weight, const optional<at::Tensor>& bias,
                                int64_t padding);

}  // namespace salmask
