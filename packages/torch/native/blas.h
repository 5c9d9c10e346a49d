// Products of matrices beside loops of our own.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/**
 * `out [n, m] = a [n, k] b [k, m]`, added to what `out` holds where `accumulate`. Rows are shared out among libtorch's threads:
 * OpenBLAS's own stay awake for the next product, and take the processor from libtorch's while it computes something else.
 */
void multiply(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate = false);

}  // namespace salmask
