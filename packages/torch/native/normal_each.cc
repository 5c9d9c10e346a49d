// `salmask::fast_normal_each_`: noise on a CPU whose every image has a generator of its own. One call of libtorch's normal_ for each image
// drew on one thread, and calling it took as long as drawing.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/library.h>

#include "plain.h"
#include "share_out.h"

namespace salmask {
namespace {

at::Tensor& normalEach(at::Tensor& images, const at::Tensor& seeds, double std) {
  TORCH_CHECK(images.dim() >= 1 && isPlainRow(images, at::kFloat), "Expected float32 images [B, ...] on the CPU, without gaps, got ",
              images.scalar_type(), " ", images.sizes(), " on ", images.device(), ".");
  TORCH_CHECK(!images.requires_grad(), "Expected images without a gradient, because noise has none.");
  TORCH_CHECK(seeds.dim() == 1 && seeds.size(0) == images.size(0) && isPlainRow(seeds, at::kLong), "Expected int64 seeds [",
              images.size(0), "] on the CPU, without gaps, got ", seeds.scalar_type(), " ", seeds.sizes(), " on ", seeds.device(), ".");
  TORCH_CHECK(!(std < 0), "Expected a standard deviation of at least 0, got ", std, ".");
  const int64_t* all = seeds.data_ptr<int64_t>();
  shareOut(images.size(0), 1, [&](int64_t image, int64_t) {
    const at::NoGradGuard perThread;
    images.select(0, image).normal_(0, std, at::detail::createCPUGenerator(static_cast<uint64_t>(all[image])));
  });
  return images;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def("fast_normal_each_(Tensor(a!) images, Tensor seeds, float std=1) -> Tensor(a!)", &normalEach);
}

}  // namespace salmask
