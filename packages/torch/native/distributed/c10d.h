// What differs between releases of c10d: since libtorch 2, collectives are methods of a Backend, and a ProcessGroup, which the
// reducer takes, is set up with one.
#pragma once
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR >= 2
#define SALMASK_HAS_BACKENDS 1
#include <torch/csrc/distributed/c10d/Backend.hpp>
#endif

namespace salmask::distributed {

#ifdef SALMASK_HAS_BACKENDS
using Backend = c10d::Backend;
#else
using Backend = c10d::ProcessGroup;
#endif

}  // namespace salmask::distributed
