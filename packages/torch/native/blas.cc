#include "blas.h"

#include <ATen/core/grad_mode.h>
#include <dlfcn.h>

#include <algorithm>
#include <mutex>

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

/** Of OpenBLAS for OpenMP, which computes on the calling thread in a parallel loop by itself, and whose number of threads is OpenMP's. */
constexpr int kOpenMp = 2;
const bool isNeeded = [] {
  const auto parallel = find<int (*)()>("openblas_get_parallel");
  return setThreads != nullptr && getThreads != nullptr && (parallel == nullptr || parallel() != kOpenMp);
}();

/** The setting is the process's, and worker threads compute at the same time: the first sets it, the last restores it. */
std::mutex usersLock;
int64_t users = 0;
int threadsBefore = 1;

}  // namespace

SingleThreadedBlas::SingleThreadedBlas() {
  if (!isNeeded) return;
  const std::lock_guard<std::mutex> lock(usersLock);
  if (users++ > 0) return;
  threadsBefore = getThreads();
  setThreads(1);
}

SingleThreadedBlas::~SingleThreadedBlas() {
  if (!isNeeded) return;
  const std::lock_guard<std::mutex> lock(usersLock);
  if (--users == 0) setThreads(threadsBefore);
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
