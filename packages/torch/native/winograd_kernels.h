// The arithmetic of Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray 2016, section 4.1) on plain memory. A tile
// of 6 x 6 input values gives 4 x 4 output values with 36 multiplications; the definition needs 144. Only
// winograd_width.h includes this file, between the pragmas that choose the instructions.
//
// "Points" are the 36 positions of a transformed tile. Transformed values are stored as `[36][channels / kLanes][tiles][kLanes]`,
// so that the matrix products below read the memory in order.
#pragma once
#include <cstdint>

#include "vector.h"

namespace salmask::winograd::SALMASK_WIDTH {

constexpr int kTile = 6;
constexpr int kOutput = 4;
constexpr int kKernel = 3;
constexpr int kPoints = kTile * kTile;
/** Tiles, or rows, per register block of a product: two panels of them and what they are made of fill the registers, 16 or 32. */
constexpr int64_t kRows = kLanes == 16 ? 12 : 6;

// Each line transform reads values with distance `step` and writes with distance `outStep`. The matrices are the
// paper's.

static inline void inputLine(const Vector* x, int step, Vector* out, int outStep) {
  const Vector x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step], x5 = x[5 * step];
  const Vector even = x4 - 4.f * x2, odd = x3 - 4.f * x1, even2 = x4 - x2, odd2 = 2.f * (x3 - x1);
  out[0] = 4.f * x0 - 5.f * x2 + x4;
  out[outStep] = even + odd;
  out[2 * outStep] = even - odd;
  out[3 * outStep] = even2 + odd2;
  out[4 * outStep] = even2 - odd2;
  out[5 * outStep] = 4.f * x1 - 5.f * x3 + x5;
}

static inline void outputLine(const Vector* m, int step, Vector* out, int outStep) {
  const Vector sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
  const Vector sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
  out[0] = m[0] + sum + sum2;
  out[outStep] = difference + 2.f * difference2;
  out[2 * outStep] = sum + 4.f * sum2;
  out[3 * outStep] = difference + 8.f * difference2 + m[5 * step];
}

/** The transpose of outputLine. */
static inline void outputGradientLine(const Vector* g, int step, Vector* out, int outStep) {
  const Vector g0 = g[0], g1 = g[step], g2 = g[2 * step], g3 = g[3 * step];
  const Vector even = g0 + g2, odd = g1 + g3, even2 = g0 + 4.f * g2, odd2 = 2.f * g1 + 8.f * g3;
  out[0] = g0;
  out[outStep] = even + odd;
  out[2 * outStep] = even - odd;
  out[3 * outStep] = even2 + odd2;
  out[4 * outStep] = even2 - odd2;
  out[5 * outStep] = g3;
}

static inline void weightLine(const Vector* w, int step, Vector* out, int outStep) {
  const Vector w0 = w[0], w1 = w[step], w2 = w[2 * step];
  const Vector even = (w0 + w2) * (-1.f / 6), odd = w1 * (1.f / 6);
  const Vector even2 = w0 * (1.f / 24) + w2 * (1.f / 6), odd2 = w1 * (1.f / 12);
  out[0] = w0 * 0.25f;
  out[outStep] = even - odd;
  out[2 * outStep] = even + odd;
  out[3 * outStep] = even2 + odd2;
  out[4 * outStep] = even2 - odd2;
  out[5 * outStep] = w2;
}

/** The transpose of weightLine. */
static inline void weightGradientLine(const Vector* h, int step, Vector* out, int outStep) {
  const Vector sum = h[step] + h[2 * step], difference = h[2 * step] - h[step];
  const Vector sum2 = h[3 * step] + h[4 * step], difference2 = h[3 * step] - h[4 * step];
  out[0] = 0.25f * h[0] - sum * (1.f / 6) + sum2 * (1.f / 24);
  out[outStep] = difference * (1.f / 6) + difference2 * (1.f / 12);
  out[2 * outStep] = (sum2 - sum) * (1.f / 6) + h[5 * step];
}

/** Applies a line transform along both sides of a square: `in` `[In][In]` to `out` `[Out][Out]`. */
template <void (*line)(const Vector*, int, Vector*, int), int In, int Out>
__attribute__((always_inline)) static inline void square(const Vector* in, Vector* out) {
  Vector middle[Out * In];
#pragma GCC unroll 6
  for (int x = 0; x < In; ++x) line(in + x, In, middle + x, In);
#pragma GCC unroll 6
  for (int y = 0; y < Out; ++y) line(middle + y * In, 1, out + y * Out, 1);
}

/** A batch of planes with channels last, `[images][height][width][channels]`, divided into tiles. */
struct Planes {
  int64_t images, height, width, channels;
  int64_t tilesDown() const { return (height + kOutput - 1) / kOutput; }
  int64_t tilesAcross() const { return (width + kOutput - 1) / kOutput; }
  int64_t tiles() const { return images * tilesDown() * tilesAcross(); }
};

/** The position of a tile's first output value. */
struct Corner {
  int64_t image, y, x;
};

static inline Corner cornerOf(const Planes& planes, int64_t tile) {
  const int64_t across = planes.tilesAcross(), down = planes.tilesDown();
  return {tile / (down * across), tile / across % down * kOutput, tile % across * kOutput};
}

/** The corner of the next tile. */
static inline Corner after(Corner corner, const Planes& planes) {
  corner.x += kOutput;
  if (corner.x < planes.width) return corner;
  corner.x = 0;
  corner.y += kOutput;
  if (corner.y < planes.height) return corner;
  return {corner.image + 1, 0, 0};
}

/** Transformed values of `capacity` tiles, with `stride` floats from one point to the next. */
struct Transformed {
  float* values;
  int64_t capacity, stride;
  float* at(int64_t point, int64_t channelBlock, int64_t tile) const {
    return values + point * stride + (channelBlock * capacity + tile) * kLanes;
  }
};

/** Transforms the tile whose value in row i and column j begins at `sourceOf(i, j)` and writes it to position `place`. */
template <void (*line)(const Vector*, int, Vector*, int), int Side, typename SourceOf>
__attribute__((always_inline)) static inline void transformTile(const SourceOf& sourceOf, int64_t blocks, const Transformed& to, int64_t place) {
  for (int64_t block = 0; block < blocks; ++block) {
    Vector values[Side * Side], points[kPoints];
#pragma GCC unroll 36
    for (int k = 0; k < Side * Side; ++k) values[k] = load(sourceOf(k / Side, k % Side) + block * kLanes);
    square<line, Side, kTile>(values, points);
    float* out = to.at(0, block, place);
#pragma GCC unroll 36
    for (int k = 0; k < kPoints; ++k) store(out + k * to.stride, points[k]);
  }
}

/**
 * Transforms tiles `first` to `first + count` of `from` and writes them from position `place`. Each tile has `Side` x
 * `Side` values, starting `margin` before its corner. Values outside the planes are 0, read from `zeros` `[channels]`.
 */
template <void (*line)(const Vector*, int, Vector*, int), int Side>
static void transformTiles(const float* from, const Planes& planes, int margin, int64_t first, int64_t count,
                           const float* zeros, const Transformed& to, int64_t place) {
  const int64_t channels = planes.channels, blocks = channels / kLanes;
  Corner corner = cornerOf(planes, first);
  for (int64_t tile = 0; tile < count; ++tile, corner = after(corner, planes)) {
    const int64_t top = corner.y - margin, left = corner.x - margin;
    const auto pixel = [&](int64_t y, int64_t x) { return from + ((corner.image * planes.height + y) * planes.width + x) * channels; };
    if (top >= 0 && left >= 0 && top + Side <= planes.height && left + Side <= planes.width) {
      const float* start = pixel(top, left);
      const int64_t down = planes.width * channels;
      transformTile<line, Side>([&](int i, int j) { return start + i * down + j * channels; }, blocks, to, place + tile);
    } else {
      const float* sources[Side][Side];
      for (auto& row : sources)
        for (auto& source : row) source = zeros;
      const int64_t right = std::min<int64_t>(Side, planes.width - left);
      for (int64_t i = std::max<int64_t>(0, -top); i < std::min<int64_t>(Side, planes.height - top); ++i)
        for (int64_t j = std::max<int64_t>(0, -left); j < right; ++j) sources[i][j] = pixel(top + i, left + j);
      transformTile<line, Side>([&](int i, int j) { return sources[i][j]; }, blocks, to, place + tile);
    }
  }
}

/** Transforms `count` products back and writes them to `to` from tile `first`. Values outside the planes are not written. */
static void writeTiles(const Transformed& from, int64_t first, int64_t count, float* to, const Planes& planes) {
  const int64_t down = planes.width * planes.channels;
  Corner corner = cornerOf(planes, first);
  for (int64_t tile = 0; tile < count; ++tile, corner = after(corner, planes)) {
    const int64_t below = planes.height - corner.y, right = planes.width - corner.x;
    const bool isWhole = below >= kOutput && right >= kOutput;
    float* start = to + ((corner.image * planes.height + corner.y) * planes.width + corner.x) * planes.channels;
    for (int64_t block = 0; block < planes.channels / kLanes; ++block) {
      Vector points[kPoints], values[kOutput * kOutput];
      const float* in = from.at(0, block, tile);
#pragma GCC unroll 36
      for (int k = 0; k < kPoints; ++k) points[k] = load(in + k * from.stride);
      square<outputLine, kTile, kOutput>(points, values);
      float* out = start + block * kLanes;
#pragma GCC unroll 16
      for (int k = 0; k < kOutput * kOutput; ++k)
        if (isWhole || (k / kOutput < below && k % kOutput < right))
          store(out + k / kOutput * down + k % kOutput * planes.channels, values[k]);
    }
  }
}

/**
 * Product of `[tiles, in]` and `[in, Panels * kLanes]` at one point: `values` `[in / kLanes][capacity][kLanes]`, `weight`
 * `[in][Panels * kLanes]`, `out` `[Panels][capacity][kLanes]`. `tiles` is a multiple of kRows. Sums run over `in` in order.
 */
template <int Panels>
static void multiply(const float* values, const float* weight, float* out, int64_t tiles, int64_t capacity, int64_t in) {
  for (int64_t tile = 0; tile < tiles; tile += kRows) {
    Vector sums[kRows][Panels] = {};
    const float* w = weight;
    for (int64_t block = 0; block < in / kLanes; ++block) {
      const float* rows = values + (block * capacity + tile) * kLanes;
#pragma GCC unroll 16
      for (int k = 0; k < kLanes; ++k) {
        Vector columns[Panels];
#pragma GCC unroll 2
        for (int p = 0; p < Panels; ++p) columns[p] = load(w + p * kLanes);
#pragma GCC unroll 12
        for (int r = 0; r < kRows; ++r) {
          const Vector value = broadcast(rows[r * kLanes + k]);
#pragma GCC unroll 2
          for (int p = 0; p < Panels; ++p) sums[r][p] += value * columns[p];
        }
        w += Panels * kLanes;
      }
    }
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
      for (int p = 0; p < Panels; ++p) store(out + (p * capacity + tile + r) * kLanes, sums[r][p]);
  }
}

/** Rows of the weight gradient per register block. */
constexpr int64_t kGradientRows = kLanes == 16 ? 8 : 4;

/**
 * Adds the outer products of `count` tiles at one point to `sums`, kGradientRows rows of `Panels * kLanes` with distance
 * `rowStride`. Inputs: `values` `[capacity][kLanes]`, of which the first kGradientRows of each kLanes are read, and `gradients`
 * `[Panels][capacity][kLanes]`.
 */
template <int Panels>
static void addOuterProducts(const float* values, const float* gradients, float* sums, int64_t count, int64_t capacity,
                             int64_t rowStride) {
  Vector block[kGradientRows][Panels];
#pragma GCC unroll 8
  for (int r = 0; r < kGradientRows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Panels; ++p) block[r][p] = load(sums + r * rowStride + p * kLanes);
  for (int64_t tile = 0; tile < count; ++tile) {
    Vector columns[Panels];
#pragma GCC unroll 2
    for (int p = 0; p < Panels; ++p) columns[p] = load(gradients + (p * capacity + tile) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kGradientRows; ++r) {
      const Vector value = broadcast(values[tile * kLanes + r]);
#pragma GCC unroll 2
      for (int p = 0; p < Panels; ++p) block[r][p] += value * columns[p];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kGradientRows; ++r)
#pragma GCC unroll 2
    for (int p = 0; p < Panels; ++p) store(sums + r * rowStride + p * kLanes, block[r][p]);
}

/**
 * Strides in floats of a kernel `[out, in, 3, 3]`. `isTurned` rotates the kernel by 180 degrees, for the input's
 * gradient.
 */
struct Kernel {
  const float* values;
  int64_t out, in, outStride, inStride;
  bool isTurned;
};

/**
 * Transforms the kernels of kLanes outputs, from `out`, for one input to `points` `[36]`, with distance `stride` in
 * floats.
 */
static void transformKernel(const Kernel& kernel, int64_t out, int64_t in, float* points, int64_t stride) {
  Vector taps[kKernel * kKernel], transformed[kPoints];
  for (int k = 0; k < kKernel * kKernel; ++k) {
    const int tap = kernel.isTurned ? kKernel * kKernel - 1 - k : k;
    for (int lane = 0; lane < kLanes; ++lane)
      taps[k][lane] = kernel.values[(out + lane) * kernel.outStride + in * kernel.inStride + tap];
  }
  square<weightLine, kKernel, kTile>(taps, transformed);
#pragma GCC unroll 36
  for (int k = 0; k < kPoints; ++k) store(points + k * stride, transformed[k]);
}

/** The transpose of transformKernel: writes the gradient of kLanes outputs for one input, `[outputs, inputs, 3, 3]`. */
static void writeKernelGradient(const float* points, int64_t stride, float* gradient, int64_t outStride) {
  Vector transformed[kPoints], taps[kKernel * kKernel];
#pragma GCC unroll 36
  for (int k = 0; k < kPoints; ++k) transformed[k] = load(points + k * stride);
  square<weightGradientLine, kTile, kKernel>(transformed, taps);
  for (int k = 0; k < kKernel * kKernel; ++k)
    for (int lane = 0; lane < kLanes; ++lane) gradient[lane * outStride + k] = taps[k][lane];
}

}  // namespace salmask::winograd::SALMASK_WIDTH
