// Winograd's convolutions with AVX-512.
#if defined(__x86_64__)
#define SALMASK_LANES 16
#define SALMASK_WIDTH sixteen
#include "winograd_width.h"
#endif
