import { native } from "../native.js";
import { Tensor } from "../tensor.js";
import type { ProcessGroup } from "./process-group.js";

/**
 * The sum of a tensor over ranks. The gradient is the sum over ranks of gradients: it is that of the sum of all ranks' losses. All ranks
 * go backward through it.
 */
export function allReduceSum(tensor: Tensor, group: ProcessGroup): Tensor {
  return group.guard("an all-reduce", () => new Tensor(native.allReduceSum(tensor.handle, group.number)));
}

/**
 * The rows of all ranks in their order, `[B, ...]` to `[W * B, ...]`, where B is the same on all ranks. The gradient of the own rows is
 * the sum over ranks of what their losses give these rows: it is that of the sum of all ranks' losses. All ranks go backward through it.
 */
export function allGatherCat(tensor: Tensor, group: ProcessGroup): Tensor {
  return group.guard("an all-gather", () => new Tensor(native.allGatherCat(tensor.handle, group.number)));
}
