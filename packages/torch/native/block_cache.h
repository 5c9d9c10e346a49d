#pragma once

namespace salmask {

// From now on large blocks of CPU tensors are kept for reuse when they are freed.
void useBlockCache();

}  // namespace salmask
