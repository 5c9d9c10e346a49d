// Eight floats as one vector, or as many as SALMASK_LANES says, with GCC's vector extension: FMA where the including file enables
// it, pairs of NEON on ARM.
#pragma once
#include <cstdint>

#ifndef SALMASK_LANES
#define SALMASK_LANES 8
#endif

namespace salmask {

constexpr int64_t kLanes = SALMASK_LANES;
typedef float Vector __attribute__((vector_size(4 * SALMASK_LANES)));

#include "vector_target.h"
typedef float UnalignedVector __attribute__((vector_size(4 * SALMASK_LANES), aligned(4), may_alias));
static inline Vector load(const float* from) { return *reinterpret_cast<const UnalignedVector*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<UnalignedVector*>(to) = value; }
/** The same value in all lanes. Minus and not plus, which the compiler computes, as it makes 0 of -0. */
static inline Vector broadcast(float value) { return value - Vector{}; }
#pragma GCC pop_options

/** Whether this machine has the instructions of vector_target.h. */
static inline bool hasVectorUnit() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                          (kLanes == 8 || __builtin_cpu_supports("avx512f"));
  return has;
#else
  return true;
#endif
}

}  // namespace salmask
