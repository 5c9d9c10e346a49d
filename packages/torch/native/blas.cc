#include "blas.h"

#include <ATen/core/grad_mode.h>
#include <dlfcn.h>

#include <algorithm>

#include "share_out.h"

namespace salmask {
namespace {

/** With fewer rows than this another piece does not pay. */
constexpr int64_t kLeastRows = 16;
constexpr int64_t kPiecesPerThread = 4;

template <typename Function>
Function find(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}
const auto setThreads = find<void (*)(int)>("openblas_set_num_threads");
const auto getThreads = find<int (*)()>("openblas_get_num_threads");

}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
  if (setThreads == nullptr) return;
  before_ = getThreads();
  setThreads(1);
}

SingleThreadedBlas::~SingleThreadedBlas() {
  if (setThreads != nullptr) setThreads(before_);
}

void multiplyHere(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate) {
  const at::NoGradGuard noGrad;
  out.addmm_(a, b, accumulate ? 1 : 0, 1);
}

void multiply(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate) {
  const SingleThreadedBlas blas;
  const int64_t pieces = kPiecesPerThread * at::get_num_threads();
  const int64_t rows = std::max(kLeastRows, (out.size(0) + pieces - 1) / pieces);
  shareOut(out.size(0), rows, [&](int64_t begin, int64_t end) {
    multiplyHere(out.narrow(0, begin, end - begin), a.narrow(0, begin, end - begin), b, accumulate);
  });
}

}  // namespace salmask
