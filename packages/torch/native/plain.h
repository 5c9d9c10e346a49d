// Tensors that our kernels can read.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/** Whether the values are stored unchanged, as `type`, in this process's memory; there can be gaps between them. */
inline bool isPlain(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.device().is_cpu() && tensor.layout() == at::kStrided && tensor.scalar_type() == type && !tensor.is_neg() &&
         !tensor._is_zerotensor();
}

/** Whether it is also without gaps, in the order of its axes. */
inline bool isPlainRow(const at::Tensor& tensor, at::ScalarType type) { return isPlain(tensor, type) && tensor.is_contiguous(); }

}  // namespace salmask
