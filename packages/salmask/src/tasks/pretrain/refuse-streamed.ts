import { UsageError } from "../../base/errors.js";
import type { RunConfig } from "../../config/schema.js";

/**
 * Settings that need all photos before the first step, or photos beside those of the step. Throws {@link UsageError} `not-from-shards` where
 * photos are read when they are needed.
 */
export function refuseStreamed({ saliency }: Pick<RunConfig, "saliency">): void {
  const faults = [
    saliency.source === "maps" || saliency.source === "onnx" ? `saliency.source ${saliency.source}` : null,
    saliency.shuffled ? "saliency.shuffled" : null,
    saliency.truth === undefined ? null : "saliency.truth",
  ].filter((fault) => fault !== null);
  if (faults.length === 0) return;
  throw new UsageError(
    "not-from-shards",
    `Expected settings that see the photos of one step at a time, because photos in shards are read as they are needed, got ${faults.join(", ")}. ` +
      "Leave it out, or unpack the shards into a folder.",
  );
}
