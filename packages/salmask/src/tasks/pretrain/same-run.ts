/** Whether a checkpoint and a command mean the same run. */
import { UsageError } from "../../base/errors.js";
import type { Compute } from "../../compute/compute.js";
import { differences } from "../../config/same-run.js";
import type { RunConfig } from "../../config/schema.js";
import { fromStored } from "../../config/stored.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Checkpoint } from "../../training/position.js";

/** The settings as they are meant here: elsewhere, auto may mean another precision. */
export function asMeantHere(config: RunConfig, { precision }: Compute): RunConfig {
  return { ...config, precision };
}

/** Throws {@link UsageError} `another-run` that lists what differs between the checkpoint's settings and these. */
export function refuseOtherSettings(
  { position, path }: Checkpoint,
  config: RunConfig,
  compute: Compute,
): void {
  refuse(differences(fromStored(position.config, path), asMeantHere(config, compute)));
}

/** Throws {@link UsageError} `another-run` where the photos are not those that the run has seen. */
export function refuseOtherPhotos({ position }: Checkpoint, dataset: PackedDataset): void {
  // Runs of before noted the files' paths, sizes and times.
  const same = [dataset.fingerprint, dataset.sourceStamp].includes(position.dataFingerprint);
  refuse(same ? [] : ["the photos are not the same"]);
}

function refuse(faults: readonly string[]): void {
  if (faults.length === 0) return;
  throw new UsageError(
    "another-run",
    `Expected the settings and photos that the checkpoint was written with, got others: ${faults.join("; ")}. ` +
      "Give the same options, or start a new run in another --out.",
  );
}
