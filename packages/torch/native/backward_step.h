// What has to be done around a backward pass.
#pragma once
#include <ATen/ATen.h>

#include <vector>

namespace salmask {

struct BackwardStep {
  virtual ~BackwardStep() = default;
  /** Before the pass: may add roots, each with its gradient. */
  virtual void prepare(std::vector<at::Tensor>& roots, std::vector<at::Tensor>& gradients) = 0;
  /** The pass has failed. */
  virtual void failed() noexcept = 0;
};

}  // namespace salmask
