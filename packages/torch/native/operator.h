// An operator of libtorch, with what its arguments are converted by.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>

#include <string>
#include <vector>

namespace salmask {

enum class Kind { Tensor, Int, Float, Scalar, Bool, String, Device, Generator };

struct Parameter {
  std::string name;
  Kind kind;
  bool optional = false;         // None allowed
  bool list = false;             // a list of `kind`
  bool optionalElement = false;  // Tensor?[]
  int64_t size = 0;              // int[2]: one number stands for that many
  bool hasDefault = false;
  c10::IValue defaultValue;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
  bool returnsSelf = false;  // in-place and out= variants hand back what they got: no new handle is made
};

}  // namespace salmask
