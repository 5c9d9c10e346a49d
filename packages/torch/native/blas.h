// Matrix products next to our own loops.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/**
 * `out [n, m] = a [n, k] b [k, m]`, added to the values in `out` if `accumulate`. Rows are divided among libtorch's
 * threads: OpenBLAS's own threads wait actively for the next product and take processor time from libtorch's.
 */
void multiply(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate = false);

}  // namespace salmask
