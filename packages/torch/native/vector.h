// Eight floats at once, as GCC's vectors: FMA instructions where the including file asks for them, NEON pairs on ARM.
#pragma once
#include <cstdint>

namespace salmask {

typedef float Vector __attribute__((vector_size(32)));
constexpr int64_t kLanes = 8;

/** Whether this machine has the instructions that files with `#pragma GCC target("avx2,fma")` are compiled to. */
inline bool hasVectorUnit() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
#else
  return true;
#endif
}

}  // namespace salmask
