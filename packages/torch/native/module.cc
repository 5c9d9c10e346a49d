// The names that JavaScript sees.
#include "dispatch.h"
#include "tensor.h"

namespace {

template <napi_value (*fn)(const salmask::Arguments&)>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value function;
  salmask::check(napi_create_function(env, name, NAPI_AUTO_LENGTH, salmask::guarded<fn>, nullptr, &function), name);
  salmask::check(napi_set_named_property(env, exports, name, function), name);
}

}  // namespace

NAPI_MODULE_INIT() {
  using namespace salmask;
  define<findOperator>(env, exports, "findOperator");
  define<callOperator>(env, exports, "call");
  define<operatorSchema>(env, exports, "operatorSchema");
  define<operatorNames>(env, exports, "operatorNames");
  define<shape>(env, exports, "shape");
  define<strides>(env, exports, "strides");
  define<scalarType>(env, exports, "scalarType");
  define<device>(env, exports, "device");
  define<isLeaf>(env, exports, "isLeaf");
  define<requiresGrad>(env, exports, "requiresGrad");
  define<setRequiresGrad>(env, exports, "setRequiresGrad");
  define<release>(env, exports, "release");
  define<item>(env, exports, "item");
  define<fromBytes>(env, exports, "fromBytes");
  define<toBytes>(env, exports, "toBytes");
  define<backward>(env, exports, "backward");
  define<grad>(env, exports, "grad");
  define<setGrad>(env, exports, "setGrad");
  define<gradEnabled>(env, exports, "gradEnabled");
  define<setGradEnabled>(env, exports, "setGradEnabled");
  define<setAutocast>(env, exports, "setAutocast");
  define<makeGenerator>(env, exports, "makeGenerator");
  define<releaseGenerator>(env, exports, "releaseGenerator");
  define<seedGenerator>(env, exports, "seedGenerator");
  define<liveCount>(env, exports, "liveCount");
  define<liveBytes>(env, exports, "liveBytes");
  define<setNumThreads>(env, exports, "setNumThreads");
  define<getNumThreads>(env, exports, "getNumThreads");
  define<keepFreedMemory>(env, exports, "keepFreedMemory");
  define<setCudnnBenchmark>(env, exports, "setCudnnBenchmark");
  define<hasCuda>(env, exports, "hasCuda");
  define<version>(env, exports, "version");
  return exports;
}
