/** Checks whether a checkpoint and a command belong to the same run. */
import { UsageError } from "../../base/errors.js";
import type { Compute } from "../../compute/compute.js";
import { differences } from "../../config/same-run.js";
import type { RunConfig } from "../../config/schema.js";
import { fromStored } from "../../config/stored.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Checkpoint } from "../../training/position.js";

/** The settings with the precision of this machine: elsewhere, auto may mean another precision. */
export function asMeantHere(config: RunConfig, { precision }: Compute): RunConfig {
  return { ...config, precision };
}

/** Throws {@link UsageError} `another-run` with the differences between the checkpoint's settings and these. */
export function refuseOtherSettings(
  { position, path }: Checkpoint,
  config: RunConfig,
  compute: Compute,
): void {
  refuse(differences(fromStored(position.config, path), asMeantHere(config, compute)));
}

/** Throws {@link UsageError} `another-run` if the photos are not those of the run. */
export function refuseOtherPhotos({ position }: Checkpoint, dataset: PackedDataset): void {
  // Earlier releases recorded the paths, sizes and times of the files.
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
