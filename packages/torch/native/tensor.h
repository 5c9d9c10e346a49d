#pragma once
#include "napi_util.h"

namespace salmask {

napi_value shape(const Arguments&);
napi_value strides(const Arguments&);
napi_value scalarType(const Arguments&);
napi_value device(const Arguments&);
napi_value isLeaf(const Arguments&);
napi_value requiresGrad(const Arguments&);
napi_value setRequiresGrad(const Arguments&);
napi_value release(const Arguments&);
napi_value item(const Arguments&);
napi_value fromBytes(const Arguments&);
napi_value toBytes(const Arguments&);
napi_value backward(const Arguments&);
napi_value grad(const Arguments&);
napi_value setGrad(const Arguments&);
napi_value gradEnabled(const Arguments&);
napi_value setGradEnabled(const Arguments&);
napi_value setAutocast(const Arguments&);
napi_value makeGenerator(const Arguments&);
napi_value releaseGenerator(const Arguments&);
napi_value seedGenerator(const Arguments&);
napi_value liveCount(const Arguments&);
napi_value liveBytes(const Arguments&);
napi_value setNumThreads(const Arguments&);
napi_value getNumThreads(const Arguments&);
napi_value keepFreedMemory(const Arguments&);
napi_value returnFreedMemory(const Arguments&);
napi_value setDeterministic(const Arguments&);
napi_value hasCuda(const Arguments&);
napi_value version(const Arguments&);

}  // namespace salmask
