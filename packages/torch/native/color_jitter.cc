// `salmask::fast_color_jitter_`: torchvision's ColorJitter on a CPU, with an order and factors of each image's own. libtorch's operators read
// and write a batch about a hundred times for it, which took half the time of a view of 32 pixels; here an image stays in a thread's cache.
#include <ATen/ATen.h>
#include <torch/library.h>

#include "color_jitter_kernels.h"
#include "plain.h"
#include "share_out.h"

namespace salmask {
namespace {

/** The operations, by their numbers in an order. */
enum Operation { kBrightness, kContrast, kSaturation, kHue, kOperations };

void jitter(const colorjitter::Image& image, const uint8_t* order, const float* factors) {
  for (int64_t position = 0; position < kOperations; ++position) {
    const float factor = factors[order[position]];
    switch (order[position]) {
      case kBrightness:
        colorjitter::blendAll(image, factor, 0.f);
        break;
      case kContrast:
        colorjitter::blendAll(image, factor, (1.f - factor) * colorjitter::meanLuma(image));
        break;
      case kSaturation:
        colorjitter::saturate(image, factor);
        break;
      default:
        colorjitter::turnHue(image, factor);
    }
  }
}

void expectColumns(const char* name, const at::Tensor& tensor, at::ScalarType type, at::IntArrayRef shape) {
  TORCH_CHECK(isPlainRow(tensor, type) && tensor.sizes() == shape, "Expected ", name, " of type ", type,
              " and shape ", shape, " on the CPU, without gaps, got ", tensor.scalar_type(), " ", tensor.sizes(), " on ",
              tensor.device(), ".");
}

/** Throws for every argument that the kernels cannot take. */
void expectJitter(const at::Tensor& images, const at::Tensor& rows, const at::Tensor& order, const at::Tensor& factors) {
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3 && isPlainRow(images, at::kFloat),
              "Expected float32 images [B, 3, H, W] on the CPU, without gaps, got ", images.scalar_type(), " ", images.sizes(),
              " on ", images.device(), ".");
  TORCH_CHECK(!images.requires_grad(), "Expected images without a gradient, which this operator does not compute.");
  const int64_t count = rows.numel();
  expectColumns("rows", rows, at::kLong, {count});
  expectColumns("orders", order, at::kByte, {count, kOperations});
  expectColumns("factors", factors, at::kFloat, {count, kOperations});
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = rows.data_ptr<int64_t>()[i], before = i == 0 ? -1 : rows.data_ptr<int64_t>()[i - 1];
    // Two threads must not jitter the same image.
    TORCH_CHECK(row > before && row < images.size(0), "Expected rows of the ", images.size(0), " images in rising order, got ",
                row, " after ", before, ".");
  }
  for (int64_t i = 0; i < order.numel(); ++i)
    TORCH_CHECK(order.data_ptr<uint8_t>()[i] < kOperations, "Expected operations from 0 to 3, got ",
                static_cast<int>(order.data_ptr<uint8_t>()[i]), ".");
  // A hue outside of these is the same as one within, but whole numbers of turns must fit the kernel's.
  for (int64_t i = 0; i < count; ++i) {
    const float hue = factors.data_ptr<float>()[i * kOperations + kHue];
    TORCH_CHECK(!(hue < -0.5f || hue > 0.5f), "Expected a shift of hue from -0.5 to 0.5 turns, got ", hue, ".");
  }
}

at::Tensor& colorJitter(at::Tensor& images, const at::Tensor& rows, const at::Tensor& order, const at::Tensor& factors) {
  expectJitter(images, rows, order, factors);
  const int64_t places = images.size(2) * images.size(3);
  if (places == 0) return images;
  float* values = images.data_ptr<float>();
  shareOut(rows.size(0), 1, [&](int64_t i, int64_t) {
    const colorjitter::Image image{values + rows.data_ptr<int64_t>()[i] * 3 * places, places};
    jitter(image, order.data_ptr<uint8_t>() + i * kOperations, factors.data_ptr<float>() + i * kOperations);
  });
  // So that a backward pass which needs the values of before is refused.
  images.unsafeGetTensorImpl()->bump_version();
  return images;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def("fast_color_jitter_(Tensor(a!) images, Tensor rows, Tensor order, Tensor factors) -> Tensor(a!)", &colorJitter);
}

}  // namespace salmask
