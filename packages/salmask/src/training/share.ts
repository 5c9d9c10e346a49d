/** What ranks have to agree on while they train one task. */
import { UsageError } from "../base/errors.js";
import type { Ranks } from "../ranks/ranks.js";
import type { Task } from "./task.js";

/**
 * Throws {@link UsageError} `batch-not-divided` where a batch cannot be divided evenly among the ranks, with at least `least` photos for
 * each.
 */
export function refuseUneven(batchSize: number, { worldSize }: Ranks, least = 1): void {
  if (worldSize === 1 || (batchSize % worldSize === 0 && batchSize >= least * worldSize)) return;
  const next = worldSize * Math.max(least, Math.round(batchSize / worldSize));
  throw new UsageError(
    "batch-not-divided",
    `Expected a batch that ${worldSize} processes can divide evenly, ${least} or more photos each, got ${batchSize} photos. ` +
      `Give a batch size of ${next}, or another number of processes.`,
  );
}

/** Throws {@link UsageError} `ranks-differ` where what a rank is about to do is not the same as on rank 0. */
export function expectTogether(ranks: Ranks, mine: Readonly<Record<string, number | string>>): void {
  const [first] = ranks.exchange(mine);
  for (const [what, value] of Object.entries(mine)) {
    if (value === first[what]) continue;
    throw new UsageError(
      "ranks-differ",
      `Expected the same ${what} on every rank, got ${first[what]} on rank 0 and ${value} on rank ${ranks.rank}. ` +
        "All processes need the same settings, photos and folder of the run.",
    );
  }
}

/**
 * Gives every rank the means of batch norm's running statistics. With batch norm that is local, each rank has followed its own photos
 * until now; the mean is what following the means of the ranks' batches would have given. With batch norm over all ranks they are equal.
 */
export function shareStatistics<Batch>(task: Task<Batch>, ranks: Ranks): void {
  const statistics = Object.entries(task.state().tensors).filter(([name]) =>
    /(^|[.])running_(mean|var)$/.test(name),
  );
  ranks.average(statistics.map(([, tensor]) => tensor));
}
