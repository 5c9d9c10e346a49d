// The functions that JavaScript can call.
#include "dispatch.h"
#include "distributed/group.h"
#include "distributed/reducer.h"
#include "distributed/store.h"
#include "environment.h"
#include "library.h"
#include "onednn.h"
#include "tensor.h"

#include <memory>

namespace salmask {
namespace {

template <napi_value (*fn)(const Arguments&)>
void define(napi_env env, Environment* environment, napi_value exports, const char* name) {
  napi_value function;
  check(napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<fn>, environment, &function), name);
  check(napi_set_named_property(env, exports, name, function), name);
}

void freeEnvironment(napi_env, void* environment, void*) { delete static_cast<Environment*>(environment); }

napi_value start(napi_env env, napi_value exports) {
  auto made = std::make_unique<Environment>();
  check(napi_set_instance_data(env, made.get(), freeEnvironment, nullptr), "keeping the environment's tensors");
  Environment* const environment = made.release();
  define<findOperator>(env, environment, exports, "findOperator");
  define<callOperator>(env, environment, exports, "call");
  define<operatorSchema>(env, environment, exports, "operatorSchema");
  define<operatorNames>(env, environment, exports, "operatorNames");
  define<loadLibrary>(env, environment, exports, "loadLibrary");
  define<shape>(env, environment, exports, "shape");
  define<strides>(env, environment, exports, "strides");
  define<scalarType>(env, environment, exports, "scalarType");
  define<device>(env, environment, exports, "device");
  define<isLeaf>(env, environment, exports, "isLeaf");
  define<requiresGrad>(env, environment, exports, "requiresGrad");
  define<setRequiresGrad>(env, environment, exports, "setRequiresGrad");
  define<release>(env, environment, exports, "release");
  define<item>(env, environment, exports, "item");
  define<fromBytes>(env, environment, exports, "fromBytes");
  define<toBytes>(env, environment, exports, "toBytes");
  define<backward>(env, environment, exports, "backward");
  define<grad>(env, environment, exports, "grad");
  define<setGrad>(env, environment, exports, "setGrad");
  define<gradEnabled>(env, environment, exports, "gradEnabled");
  define<setGradEnabled>(env, environment, exports, "setGradEnabled");
  define<setAutocast>(env, environment, exports, "setAutocast");
  define<makeGenerator>(env, environment, exports, "makeGenerator");
  define<releaseGenerator>(env, environment, exports, "releaseGenerator");
  define<seedGenerator>(env, environment, exports, "seedGenerator");
  define<liveCount>(env, environment, exports, "liveCount");
  define<liveBytes>(env, environment, exports, "liveBytes");
  define<setNumThreads>(env, environment, exports, "setNumThreads");
  define<getNumThreads>(env, environment, exports, "getNumThreads");
  define<keepFreedMemory>(env, environment, exports, "keepFreedMemory");
  define<returnFreedMemory>(env, environment, exports, "returnFreedMemory");
  define<setDeterministic>(env, environment, exports, "setDeterministic");
  define<checkOneDnn>(env, environment, exports, "checkOneDnn");
  define<hasCuda>(env, environment, exports, "hasCuda");
  define<version>(env, environment, exports, "version");
  define<distributed::storeCreate>(env, environment, exports, "storeCreate");
  define<distributed::storePort>(env, environment, exports, "storePort");
  define<distributed::storeSet>(env, environment, exports, "storeSet");
  define<distributed::storeGet>(env, environment, exports, "storeGet");
  define<distributed::storeAdd>(env, environment, exports, "storeAdd");
  define<distributed::storeCheck>(env, environment, exports, "storeCheck");
  define<distributed::storeRelease>(env, environment, exports, "storeRelease");
  define<distributed::groupCreate>(env, environment, exports, "groupCreate");
  define<distributed::groupNumber>(env, environment, exports, "groupNumber");
  define<distributed::groupAllReduce>(env, environment, exports, "groupAllReduce");
  define<distributed::groupAllGather>(env, environment, exports, "groupAllGather");
  define<distributed::groupBroadcast>(env, environment, exports, "groupBroadcast");
  define<distributed::groupBarrier>(env, environment, exports, "groupBarrier");
  define<distributed::groupTraffic>(env, environment, exports, "groupTraffic");
  define<distributed::groupHasFailed>(env, environment, exports, "groupHasFailed");
  define<distributed::groupMark>(env, environment, exports, "groupMark");
  define<distributed::groupMissing>(env, environment, exports, "groupMissing");
  define<distributed::groupRelease>(env, environment, exports, "groupRelease");
  define<distributed::allReduceSum>(env, environment, exports, "allReduceSum");
  define<distributed::allGatherCat>(env, environment, exports, "allGatherCat");
  define<distributed::reducerCreate>(env, environment, exports, "reducerCreate");
  define<distributed::reducerPrepare>(env, environment, exports, "reducerPrepare");
  define<distributed::reducerReduce>(env, environment, exports, "reducerReduce");
  define<distributed::reducerRelease>(env, environment, exports, "reducerRelease");
  return exports;
}

}  // namespace
}  // namespace salmask

NAPI_MODULE_INIT() { return salmask::guardedStart<salmask::start>(env, exports); }
