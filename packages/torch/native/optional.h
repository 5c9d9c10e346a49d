// The optional of libtorch's signatures: its own up to 2.3, std::optional since.
#pragma once

#include <torch/version.h>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#include <optional>
namespace salmask {
using std::nullopt;
using std::optional;
}  // namespace salmask
#else
#include <c10/util/Optional.h>
namespace salmask {
using c10::nullopt;
using c10::optional;
}  // namespace salmask
#endif
