// The tensors, generators and operators of one JavaScript environment (the main thread or a worker), each under an
// integer.
#pragma once
#include <ATen/ATen.h>

#include <deque>
#include <memory>
#include <vector>

#include "backward_step.h"
#include "handles.h"
#include "operator.h"

namespace salmask {

/**
 * Each environment has its own tables. They are made when it loads the addon, and freed with all its tensors when it
 * ends. So threads cannot use each other's handles or change a table at the same time. Several threads can use libtorch
 * at once.
 */
struct Environment {
  Handles<at::Tensor> tensors;
  Handles<at::Generator> generators;
  std::deque<Operator> operators;  // a deque, because a lookup during a call must not move the operator
  std::vector<std::shared_ptr<BackwardStep>> beforeBackward;  // of the next backward pass
  std::shared_ptr<void> distributed;                          // `distributed::Tables`
};

}  // namespace salmask
