// Whether oneDNN, which libtorch computes many convolutions with on a processor, computes them rightly there.
#pragma once
#include "napi_util.h"

namespace salmask {

/**
 * checkOneDnn(bound): compares oneDNN's convolutions and their gradients with libtorch's own, and switches oneDNN off for the process where
 * they differ by more than `bound` of their size or are NaN. Does so once for the process; later calls only answer: `right`, `wrong`, or
 * `absent` where this libtorch has no oneDNN or it was off already.
 */
napi_value checkOneDnn(const Arguments& args);

}  // namespace salmask
