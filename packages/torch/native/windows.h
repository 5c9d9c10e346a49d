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
  /** How many of `images` to unfold per matrix product. */
  int64_t imagesAtOnce(int64_t images) const;
  /** Memory for the windows of some images, `[images * H' * W', k * k * C]`. */
  at::Tensor room(int64_t images) const;

  /** Writes the windows of planes `[images, H, W, C]`. */
  void unfold(const float* planes, int64_t images, const at::Tensor& unfolded) const;
  /** The transpose of unfold: adds the values of windows to planes. */
  void fold(const at::Tensor& unfolded, int64_t images, float* planes) const;

 private:
  template <typename Visit>
  void eachRun(const Visit& visit) const;
};

}  // namespace salmask
