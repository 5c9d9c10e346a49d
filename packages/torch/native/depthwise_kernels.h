// The arithmetic of convolutions of single channels on plain memory with channels last: a place is a row of channels, a
// multiple of eight. Only depthwise.cc includes this file, between the pragmas that choose the instructions.
#pragma once
#include <cstdint>

#include "vector.h"

namespace salmask::depthwise {

/** Places of a row that are computed together, each in a register. */
constexpr int64_t kPlaces = 8;

/** One image with room around it: `rows` of `columns` places. */
struct Padded {
  const float* values;
  int64_t rows, columns, channels;

  const float* at(int64_t row, int64_t column) const { return values + (row * columns + column) * channels; }
};

/**
 * Writes a row of `width` places from the row `top` on: sums over a square of K x K places of `weights` `[K * K, channels]` times the
 * image, from `bias` `[channels]` on, or from 0. The image has room for a multiple of kPlaces places.
 */
template <int64_t K>
static void convolveRow(const Padded& image, int64_t top, int64_t width, const float* weights, const float* bias, float* to) {
  const int64_t channels = image.channels;
  for (int64_t x = 0; x < width; x += kPlaces) {
    const int64_t count = width - x < kPlaces ? width - x : kPlaces;
    for (int64_t c = 0; c < channels; c += kLanes) {
      Vector sums[kPlaces];
      const Vector start = bias == nullptr ? Vector{} : load(bias + c);
#pragma GCC unroll 8
      for (int64_t i = 0; i < kPlaces; ++i) sums[i] = start;
      for (int64_t ky = 0; ky < K; ++ky) {
        const float* from = image.at(top + ky, x) + c;
        const float* weight = weights + ky * K * channels + c;
        for (int64_t kx = 0; kx < K; ++kx, from += channels, weight += channels) {
          const Vector factor = load(weight);
#pragma GCC unroll 8
          for (int64_t i = 0; i < kPlaces; ++i) sums[i] += load(from + i * channels) * factor;
        }
      }
      for (int64_t i = 0; i < count; ++i) store(to + (x + i) * channels + c, sums[i]);
    }
  }
}

/**
 * Adds to `sums` `[K * K, channels]` what a row of `width` gradients says of the weights: for each place of the square the sum of the
 * gradients times the image's values there.
 */
template <int64_t K>
static void addWeightGradient(const Padded& image, int64_t top, int64_t width, const float* gradient, float* sums) {
  const int64_t channels = image.channels;
  for (int64_t ky = 0; ky < K; ++ky, sums += K * channels) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Vector row[K] = {};
      const float* from = image.at(top + ky, 0) + c;
      for (int64_t x = 0; x < width; ++x, from += channels) {
        const Vector value = load(gradient + x * channels + c);
#pragma GCC unroll 7
        for (int64_t kx = 0; kx < K; ++kx) row[kx] += load(from + kx * channels) * value;
      }
#pragma GCC unroll 7
      for (int64_t kx = 0; kx < K; ++kx) store(sums + kx * channels + c, load(sums + kx * channels + c) + row[kx]);
    }
  }
}

}  // namespace salmask::depthwise
