#include "windows.h"

#include <algorithm>

#include "share_out.h"

namespace salmask {

/** Bytes of unfolded windows per matrix product, so that they fit the processor's caches. */
constexpr int64_t kUnfoldedBytes = 8 << 20;

Windows::Windows(const at::Tensor& input, const at::Tensor& weight, Geometry given)
    : height(input.size(2)), width(input.size(3)), channels(input.size(1)), kernel(weight.size(2)), geometry(given) {
  outHeight = (height + 2 * given.padding - kernel) / given.stride + 1;
  outWidth = (width + 2 * given.padding - kernel) / given.stride + 1;
}

int64_t Windows::imagesAtOnce(int64_t images) const {
  const int64_t bytes = places() * rowLength() * static_cast<int64_t>(sizeof(float));
  return std::clamp<int64_t>(kUnfoldedBytes / bytes, 1, images);
}

at::Tensor Windows::room(int64_t images) const {
  return at::empty({images * places(), rowLength()}, at::kFloat);
}

/** Calls `visit(offset in a plane's values, offset in its rows, length)` for each run of values inside the plane. */
template <typename Visit>
void Windows::eachRun(const Visit& visit) const {
  for (int64_t place = 0; place < places(); ++place) {
    const int64_t top = place / outWidth * geometry.stride - geometry.padding;
    const int64_t left = place % outWidth * geometry.stride - geometry.padding;
    const int64_t from = std::max<int64_t>(left, 0), to = std::min(left + kernel, width);
    for (int64_t ky = 0; ky < kernel; ++ky) {
      const int64_t y = top + ky;
      if (y < 0 || y >= height || from >= to) continue;
      const int64_t row = place * rowLength() + (ky * kernel + from - left) * channels;
      visit((y * width + from) * channels, row, (to - from) * channels);
    }
  }
}

void Windows::unfold(const float* planes, int64_t images, const at::Tensor& unfolded) const {
  const int64_t planeSize = height * width * channels, size = places() * rowLength();
  float* all = unfolded.data_ptr<float>();
  shareOut(images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      const float* plane = planes + image * planeSize;
      float* rows = all + image * size;
      if (geometry.padding > 0) std::fill_n(rows, size, 0.f);
      eachRun([&](int64_t at, int64_t row, int64_t length) { std::copy_n(plane + at, length, rows + row); });
    }
  });
}

void Windows::fold(const at::Tensor& unfolded, int64_t images, float* planes) const {
  const int64_t planeSize = height * width * channels, size = places() * rowLength();
  const float* all = unfolded.data_ptr<float>();
  shareOut(images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t image = begin; image < end; ++image) {
      float* plane = planes + image * planeSize;
      const float* rows = all + image * size;
      eachRun([&](int64_t at, int64_t row, int64_t length) {
        for (int64_t i = 0; i < length; ++i) plane[at + i] += rows[row + i];
      });
    }
  });
}

}  // namespace salmask
