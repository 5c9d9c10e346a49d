// Convolutions with channels last by oneDNN, through libtorch.
#pragma once
#include <ATen/ATen.h>

#include "windows.h"

namespace salmask {

/** Whether libtorch has oneDNN, may use it, and computes a convolution with `weight` `[out, in, k, k]` rightly by it. */
bool hasOneDnnConvolution(const at::Tensor& weight, Geometry geometry);

/**
 * Whether libtorch computes the gradients of a convolution by oneDNN, which depends on the batch. `input` `[B, in, H, W]` and `weight`
 * `[out, in, k, k]` are float32 on the CPU.
 */
bool hasOneDnnGradients(const at::Tensor& input, const at::Tensor& weight, Geometry geometry);

/** `[B, out, H', W']` with channels last. The bits of an image's values do not depend on the batch's other images. */
at::Tensor oneDnnConvolution(const at::Tensor& input, const at::Tensor& weight, Geometry geometry);

/** The gradient of the input, `[B, in, H, W]`, from that of the output, `[B, out, H', W']`; both have channels last. */
at::Tensor oneDnnInputGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient, Geometry geometry);

/** The gradient of the weight, `[out, in, k, k]`. */
at::Tensor oneDnnWeightGradient(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& gradient, Geometry geometry);

}  // namespace salmask
