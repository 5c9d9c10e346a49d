// Convolutions as matrix products: each window of a plane becomes a row.
#pragma once
#include <ATen/ATen.h>

namespace salmask {

struct Geometry {
  int64_t stride, padding;
};

/** The windows of a square convolution over planes with channels last. Each window is a row of `k * k * C` values. */
struct Windows {
  int64_t height, width, channels, kernel, outHeight, outWidth;
  Geometry geometry;

  /** `input` `[B, C, H, W]`, `weight` `[out, C, k, k]`. */
  Windows(const at::Tensor& input, const at::Tensor& weight, Geometry geometry);

  /** Number of windows per image, `H' * W'`. */
  int64_t places() const { return outHeight * outWidth; }
  int64_t rowLength() const { return kernel * kernel * channels; }
  /** A row of windows is all that begin on one line of an image. */
  int64_t rows(int64_t images) const { return images * outHeight; }
  /** How many rows of windows fit into some bytes, at least one. */
  int64_t rowsIn(int64_t bytes) const;
  /** How many images fit into some bytes, at least one. */
  int64_t imagesIn(int64_t bytes) const;

  /** Writes rows `begin` to `end` of the windows of planes `[images, H, W, C]`, `[end - begin, W', k * k * C]`. */
  void unfold(const float* planes, int64_t begin, int64_t end, float* unfolded) const;
  /** The transpose of unfold for whole images, on all threads: adds the values of windows to planes. */
  void fold(const float* unfolded, int64_t images, float* planes) const;

 private:
  template <typename Visit>
  void eachRun(int64_t line, const Visit& visit) const;
};

}  // namespace salmask
