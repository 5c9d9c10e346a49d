#include "windows.h"

#include <algorithm>

#include "share_out.h"

namespace salmask {

Windows::Windows(const at::Tensor& input, const at::Tensor& weight, Geometry given)
    : height(input.size(2)), width(input.size(3)), channels(input.size(1)), kernel(weight.size(2)), geometry(given) {
  outHeight = (height + 2 * given.padding - kernel) / given.stride + 1;
  outWidth = (width + 2 * given.padding - kernel) / given.stride + 1;
}

int64_t Windows::rowsIn(int64_t bytes) const {
  return std::max<int64_t>(1, bytes / (outWidth * rowLength() * static_cast<int64_t>(sizeof(float))));
}

int64_t Windows::imagesIn(int64_t bytes) const { return std::max<int64_t>(1, rowsIn(bytes) / outHeight); }

/** Calls `visit(offset in a plane's values, offset in the row's values, length)` for each run inside the plane of the row on a line. */
template <typename Visit>
void Windows::eachRun(int64_t line, const Visit& visit) const {
  const int64_t top = line * geometry.stride - geometry.padding;
  for (int64_t place = 0; place < outWidth; ++place) {
    const int64_t left = place * geometry.stride - geometry.padding;
    const int64_t from = std::max<int64_t>(left, 0), to = std::min(left + kernel, width);
    for (int64_t ky = 0; ky < kernel; ++ky) {
      const int64_t y = top + ky;
      if (y < 0 || y >= height || from >= to) continue;
      const int64_t start = place * rowLength() + (ky * kernel + from - left) * channels;
      visit((y * width + from) * channels, start, (to - from) * channels);
    }
  }
}

void Windows::unfold(const float* planes, int64_t begin, int64_t end, float* unfolded) const {
  const int64_t planeSize = height * width * channels, size = outWidth * rowLength();
  for (int64_t row = begin; row < end; ++row, unfolded += size) {
    const float* plane = planes + row / outHeight * planeSize;
    if (geometry.padding > 0) std::fill_n(unfolded, size, 0.f);
    eachRun(row % outHeight, [&](int64_t at, int64_t start, int64_t length) { std::copy_n(plane + at, length, unfolded + start); });
  }
}

void Windows::fold(const float* unfolded, int64_t images, float* planes) const {
  const int64_t planeSize = height * width * channels, size = outWidth * rowLength();
  shareOut(images, 1, [&](int64_t image, int64_t) {
    float* plane = planes + image * planeSize;
    for (int64_t line = 0; line < outHeight; ++line) {
      const float* row = unfolded + (image * outHeight + line) * size;
      eachRun(line, [&](int64_t at, int64_t start, int64_t length) {
        for (int64_t i = 0; i < length; ++i) plane[at + i] += row[start + i];
      });
    }
  });
}

}  // namespace salmask
