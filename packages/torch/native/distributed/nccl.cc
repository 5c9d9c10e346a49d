// The build gives USE_C10D_NCCL where NCCL's and CUDA's headers are there and libtorch has NCCL.
#include "backends.h"

#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace salmask::distributed {

#ifdef USE_C10D_NCCL
c10::intrusive_ptr<Backend> makeNccl(const Membership& membership) {
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = membership.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(membership.store, membership.rank, membership.size, options);
}
#else
c10::intrusive_ptr<Backend> makeNccl(const Membership&) {
  throw BackendMissing("a libtorch with CUDA and the headers of NCCL and CUDA (pip: torch brings them with nvidia-nccl)");
}
#endif

}  // namespace salmask::distributed
