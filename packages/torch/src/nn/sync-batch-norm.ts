import type { ProcessGroup } from "../distributed/process-group.js";
import { BatchNorm } from "./batch-norm.js";
import type { AnyModule } from "./module.js";

/**
 * From now on all batch normalisation in a module takes its statistics, in training, over the batches of all ranks of a group, as
 * PyTorch's `SyncBatchNorm`: outputs, running statistics and gradients are those of one process with the whole batch, also where ranks
 * have batches of different sizes. Gradients of inputs are those of the sum of all ranks' losses; those of weights are this rank's share of
 * it. null turns it off.
 */
export function convertSyncBatchNorm(module: AnyModule, group: ProcessGroup | null): void {
  for (const [, part] of module.namedModules()) if (part instanceof BatchNorm) part.synchronize(group);
}
