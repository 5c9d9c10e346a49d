/** What processes that pre-train together cannot divide among them. */
import { UsageError } from "../../base/errors.js";
import type { RunConfig } from "../../config/schema.js";
import type { Ranks } from "../../ranks/ranks.js";
import { refuseUneven } from "../../training/share.js";

/**
 * Throws {@link UsageError} `batch-not-divided`, and `not-divided` with the setting whose meaning would be another one if each rank had
 * its part of a batch alone.
 */
export function refuseUndivided({ method, occlusion, mask, train }: RunConfig, ranks: Ranks): void {
  if (ranks.worldSize === 1) return;
  // Batch norm needs two photos at a time.
  refuseUneven(train.batchSize, ranks, 2 * train.accumulate);
  const refuse = (setting: string, expected: string, got: string | number) => {
    throw new UsageError(
      "not-divided",
      `Expected ${expected} for ${setting} where ${ranks.worldSize} processes train together, got ${got}.`,
    );
  };
  if (occlusion.name !== "none")
    refuse(
      "occlusion.name",
      "none, because its model and the encoder learn in turns on one process",
      occlusion.name,
    );
  if (mask.negative.count > 0 && mask.negative.of === "shared")
    refuse(
      "mask.negative.of",
      "own, because the photo whose negatives are shared is on one process",
      "shared",
    );
  if (method.name === "mocov2" && train.batchNorm !== "sync" && method.groups % ranks.worldSize !== 0) {
    const usual = Math.max(1, Math.round(method.groups / ranks.worldSize)) * ranks.worldSize;
    refuse(
      "method.groups",
      `a multiple of the processes such as ${usual}, which normalise apart, or train.batchNorm sync,`,
      method.groups,
    );
  }
}
