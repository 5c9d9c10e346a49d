export { allGatherCat, allReduceSum } from "./collectives.js";
export { DistributedError, type DistributedFailure } from "./distributed-error.js";
export {
  type Backend,
  type Collective,
  ProcessGroup,
  type ProcessGroupOptions,
  type ReduceOp,
  type TrafficCount,
} from "./process-group.js";
export { Reducer, type ReducerOptions } from "./reducer.js";
export { TCPStore, type TCPStoreOptions } from "./tcp-store.js";
