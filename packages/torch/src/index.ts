/** libtorch for TypeScript: tensors, scopes, autograd, modules and optimisers over any ATen operator. */

export { autocast, enableGrad, isGradEnabled, noGrad } from "./autograd.js";
export * as distributed from "./distributed/index.js";
export { type DType, dtypes, type MemoryFormat } from "./dtype.js";
export { arange, empty, type FactoryOptions, full, mapFile, ones, rand, randn, zeros } from "./factories.js";
export { type BuildInfo, buildInfo, EngineError, type NativeArgument, type TypedArray } from "./native.js";
export * as nn from "./nn/index.js";
export { Operator, operatorNames } from "./operator.js";
export { loadOperatorLibrary } from "./operator-library.js";
export * as ops from "./ops.generated.js";
export * as optim from "./optim/index.js";
export { cpuFlags, cpuHasFastBfloat16 } from "./processor.js";
export { Generator, KeyedRandom } from "./random.js";
export {
  getNumThreads,
  hasCuda,
  libtorchVersion,
  returnFreedMemory,
  setDeterministic,
  setNumThreads,
  usesOneDnn,
} from "./runtime.js";
export {
  loadSafetensors,
  readSafetensorsMetadata,
  SafetensorsError,
  saveSafetensors,
} from "./safetensors.js";
export { keep, liveTensors, scope, scopeAsync } from "./scope.js";
export { fromTypedArray, type NestedNumbers, Tensor, tensor } from "./tensor.js";
export { tuneProcess } from "./tune.js";
export * as vision from "./vision/index.js";
