// The arithmetic of region of interest alignment on plain memory with channels last: a bin's channels are a weighted sum
// of those of some places. Instructions that every processor has are enough: more floats at a time gain nothing beside
// reading them.
#pragma once
#include <cstdint>

namespace salmask::roialign {

/** Four floats: SSE2 or NEON. */
typedef float Vector __attribute__((vector_size(16)));
typedef float UnalignedVector __attribute__((vector_size(16), aligned(4), may_alias));
constexpr int64_t kLanes = 4;

static inline Vector load(const float* from) { return *reinterpret_cast<const UnalignedVector*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<UnalignedVector*>(to) = value; }

/** A place of a feature map, as the distance of its channels in floats, and its share of a bin. */
struct Share {
  int64_t offset;
  float weight;
};

/** Vectors that are summed at a time, in registers. */
constexpr int64_t kBlock = 8;

template <int64_t Vectors>
static inline void sumBlock(const float* maps, const Share* shares, int64_t count, float* to) {
  Vector sums[Vectors] = {};
  for (int64_t i = 0; i < count; ++i) {
    const float* from = maps + shares[i].offset;
#pragma GCC unroll 8
    for (int64_t v = 0; v < Vectors; ++v) sums[v] += load(from + v * kLanes) * shares[i].weight;
  }
#pragma GCC unroll 8
  for (int64_t v = 0; v < Vectors; ++v) store(to + v * kLanes, sums[v]);
}

/** Writes the weighted sums of `channels` channels. */
static void sum(const float* maps, const Share* shares, int64_t count, int64_t channels, float* to) {
  int64_t c = 0;
  for (; c + kBlock * kLanes <= channels; c += kBlock * kLanes) sumBlock<kBlock>(maps + c, shares, count, to + c);
  for (; c + kLanes <= channels; c += kLanes) sumBlock<1>(maps + c, shares, count, to + c);
  for (; c < channels; ++c) {
    float value = 0;
    for (int64_t i = 0; i < count; ++i) value += maps[shares[i].offset + c] * shares[i].weight;
    to[c] = value;
  }
}

/** The transpose of sum: adds a bin's gradient, times each share, to the channels of its places. */
static void spread(const float* gradient, const Share* shares, int64_t count, int64_t channels, float* maps) {
  for (int64_t i = 0; i < count; ++i) {
    float* to = maps + shares[i].offset;
    const float weight = shares[i].weight;
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) store(to + c, load(to + c) + load(gradient + c) * weight);
    for (; c < channels; ++c) to[c] += gradient[c] * weight;
  }
}

}  // namespace salmask::roialign
