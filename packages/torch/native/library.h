// Shared libraries that bring operators of their own.
#pragma once
#include "napi_util.h"

namespace salmask {

/// loadLibrary(path): loads a shared library into the process for good; its initialisers register what operators it has.
napi_value loadLibrary(const Arguments& args);

}  // namespace salmask
