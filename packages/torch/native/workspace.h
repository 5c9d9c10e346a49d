// Memory that an operator writes over in every call. It is kept between calls: given back, blocks of its odd sizes would
// push those of activations out of the block cache.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

/** What a piece of memory is for; pieces of two purposes may be in use at once. */
enum class Scratch { Tiles, Kernel, KernelGradient, Windows };

/** `count` floats, of any value. Good until this thread asks for the same purpose again. */
inline at::Tensor workspace(Scratch purpose, int64_t count) {
  thread_local at::Tensor kept[4];
  at::Tensor& own = kept[static_cast<int>(purpose)];
  if (!own.defined() || own.numel() < count) own = at::empty({count}, at::kFloat);
  return own.narrow(0, 0, count);
}

}  // namespace salmask
