// Calls ATen operators by name, through libtorch's own dispatcher.
#pragma once
#include "napi_util.h"

namespace salmask {

/// operator(name, overload) -> index of a prepared operator, or -1 if this libtorch has no such operator.
napi_value findOperator(const Arguments& args);
/// call(index, ...arguments): undefined selects the default of the schema, null is None.
napi_value callOperator(const Arguments& args);
/// schema(index) -> the operator's schema as libtorch prints it.
napi_value operatorSchema(const Arguments& args);
/// operatorNames() -> every `name` or `name.overload` registered.
napi_value operatorNames(const Arguments& args);

}  // namespace salmask
