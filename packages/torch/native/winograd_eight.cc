// Winograd's convolutions with AVX2, and with NEON.
#define SALMASK_LANES 8
#define SALMASK_WIDTH eight
#include "winograd_width.h"
