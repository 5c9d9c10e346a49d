// Eight floats as one vector, with GCC's vector extension: FMA where the including file enables it, pairs of NEON on
// ARM.
#pragma once
#include <cstdint>

namespace salmask {

typedef float Vector __attribute__((vector_size(32)));
constexpr int64_t kLanes = 8;

#pragma GCC push_options
#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif
typedef float UnalignedVector __attribute__((vector_size(32), aligned(4), may_alias));
static inline Vector load(const float* from) { return *reinterpret_cast<const UnalignedVector*>(from); }
static inline void store(float* to, Vector value) { *reinterpret_cast<UnalignedVector*>(to) = value; }
#pragma GCC pop_options

/** Whether this machine has the instructions of files with `#pragma GCC target("avx2,fma")`. */
inline bool hasVectorUnit() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
#else
  return true;
#endif
}

}  // namespace salmask
