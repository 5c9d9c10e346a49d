// An operator of libtorch, with the types to which its arguments are converted.
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
  int64_t size = 0;              // int[2]: a single number is repeated this many times
  bool hasDefault = false;
  c10::IValue defaultValue;
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
  bool returnsSelf = false;  // in-place and out= variants return an argument, so no new handle is made
};

}  // namespace salmask
