// What one JavaScript environment (the main thread, or a worker) holds: tensors, generators and operators by integers.
#pragma once
#include <ATen/ATen.h>

#include <deque>

#include "handles.h"
#include "operator.h"

namespace salmask {

/**
 * Each environment has its own, made when it loads the addon and freed with all its tensors when it ends. So threads cannot take each
 * other's handles, nor change a table at the same time; libtorch itself may be used by many threads at once.
 */
struct Environment {
  Handles<at::Tensor> tensors;
  Handles<at::Generator> generators;
  std::deque<Operator> operators;  // one that is being called stays where it is when another is looked up
};

}  // namespace salmask
