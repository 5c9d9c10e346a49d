// Lets the compiler use the instructions of vectors of SALMASK_LANES floats (vector.h) in what follows, until
// `#pragma GCC pop_options`. It is included once for each such part, so it has no guard.
#pragma GCC push_options
#if defined(__x86_64__)
#if SALMASK_LANES == 16
#pragma GCC target("avx512f,avx2,fma")
#else
#pragma GCC target("avx2,fma")
#endif
#endif
