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

/**
 * While it exists OpenBLAS, if libtorch uses it, computes on the calling thread. MKL does this by itself in a parallel
 * loop.
 */
class SingleThreadedBlas {
 public:
  SingleThreadedBlas() : before_(1) {
    if (kSet == nullptr) return;
    before_ = kGet();
    kSet(1);
  }
  ~SingleThreadedBlas() {
    if (kSet != nullptr) kSet(before_);
  }
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  template <typename Function>
  static Function find(const char* name) {
    return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  }
  static void (*const kSet)(int);
  static int (*const kGet)();
  int before_;
};

void (*const SingleThreadedBlas::kSet)(int) = find<void (*)(int)>("openblas_set_num_threads");
int (*const SingleThreadedBlas::kGet)() = find<int (*)()>("openblas_get_num_threads");

}  // namespace

void multiply(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool accumulate) {
  const SingleThreadedBlas blas;
  const int64_t pieces = kPiecesPerThread * at::get_num_threads();
  const int64_t rows = std::max(kLeastRows, (out.size(0) + pieces - 1) / pieces);
  shareOut(out.size(0), rows, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard perThread;
    out.narrow(0, begin, end - begin).addmm_(a.narrow(0, begin, end - begin), b, accumulate ? 1 : 0, 1);
  });
}

}  // namespace salmask
