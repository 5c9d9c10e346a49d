#pragma once

namespace salmask {

// From now on large blocks of tensors on the CPU are kept for their next use when they are freed.
void useBlockCache();

}  // namespace salmask
