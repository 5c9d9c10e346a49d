// Matrix products next to our own loops.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/** While it exists OpenBLAS, if libtorch uses it, computes on the calling thread. MKL does this by itself in a parallel loop. */
class SingleThreadedBlas {
 public:
  SingleThreadedBlas();
  ~SingleThreadedBlas();
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;
};

/** `out [n, m] = a [n, k] b [k, m]`, added to the values in `out` if `accumulate`, on the calling thread while there is a `SingleThreadedBlas`. */
void multiplyHere(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate = false);

/**
 * `out [n, m] = a [n, k] b [k, m]`, added to the values in `out` if `accumulate`. Rows are divided among libtorch's
 * threads: OpenBLAS's own threads wait actively for the next product and take processor time from libtorch's.
 */
void multiply(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate = false);

}  // namespace salmask
