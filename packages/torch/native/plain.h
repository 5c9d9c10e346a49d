// Tensors that our kernels can read.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/** Whether the values are stored unchanged, as `type`, in this process's memory; there can be gaps between them. */
inline bool isPlain(const at::Tensor& tensor, at::ScalarType type) {
  return tensor.device().is_cpu() && tensor.layout() == at::kStrided && tensor.scalar_type() == type && !tensor.is_neg() &&
         !tensor._is_zerotensor();
}

/** The values without gaps in this layout. Those that are conjugated, negated or zero only when they are read are computed. */
inline at::Tensor valuesOf(const at::Tensor& tensor, at::MemoryFormat layout = at::MemoryFormat::Contiguous) {
  const at::Tensor stored = tensor._is_zerotensor() ? tensor.clone() : tensor;
  return stored.resolve_conj().resolve_neg().contiguous(layout);
}

/** Whether it is also without gaps, in the order of its axes. */
inline bool isPlainRow(const at::Tensor& tensor, at::ScalarType type) { return isPlain(tensor, type) && tensor.is_contiguous(); }

}  // namespace salmask
