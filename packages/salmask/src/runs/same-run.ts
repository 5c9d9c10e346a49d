/** Whether a checkpoint and a command mean the same run. */
import { UsageError } from "../base/errors.js";
import type { Compute } from "../compute/compute.js";
import { differences } from "../config/same-run.js";
import type { SettingsKind } from "../config/settings-kind.js";
import { fromStored } from "../config/stored.js";
import type { Samples } from "../data/samples/samples.js";
import type { Checkpoint } from "../training/position.js";

/** The settings as they are meant here: elsewhere, auto may mean another precision. */
export function asMeantHere<T extends { precision: string }>(config: T, { precision }: Compute): T {
  return { ...config, precision };
}

/** Throws {@link UsageError} `another-run` that lists what differs between the checkpoint's settings and these. */
export function refuseOtherSettings<T extends { precision: string }>(
  kind: SettingsKind<T>,
  { position, path }: Checkpoint,
  config: T,
  compute: Compute,
): void {
  refuse(differences(fromStored(kind, position.config, path), asMeantHere(config, compute)));
}

/** Throws {@link UsageError} `another-run` where the photos are not those that the run has seen. */
export function refuseOtherPhotos(
  { position }: Checkpoint,
  dataset: Pick<Samples, "fingerprint" | "sourceStamp">,
): void {
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
