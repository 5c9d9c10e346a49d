import { statSync } from "node:fs";
import { resolve } from "node:path";
import { CheckpointError } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import { RunFolder } from "../../runs/run-folder.js";
import { loadBackbone } from "../../weights/files.js";
import { inputOf } from "../../weights/metadata.js";
import { type LinearProtocol, openProbeData, type ProbeResult, probe } from "./probe.js";

export interface ProbeRunOptions {
  /** The folder of a run, or a safetensors file of weights. */
  readonly run: string;
  /** Labelled photos: one folder with `train` and `test` (or `val`), or both folders. */
  readonly photos: readonly string[];
  readonly protocol: LinearProtocol;
  readonly seed: number;
  /** Folder of the packed photos. */
  readonly cache?: string;
  /** Aborting stops the probe with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/**
 * Probes the weights of a run, on pictures prepared like those of the encoder's training. Other weights are probed on
 * plain pictures of 224 pixels. The result of a run is also added to `probes.json` beside its weights.
 */
export async function probeRun(options: ProbeRunOptions): Promise<ProbeResult> {
  const { run, photos, protocol, seed, cache, signal, report } = options;
  const folder = statSync(run, { throwIfNoEntry: false })?.isDirectory() === true ? new RunFolder(run) : null;
  const path = folder?.weights ?? run;
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new CheckpointError(
      "no-weights",
      `Expected a run's folder with weights.safetensors, or a safetensors file, got nothing at ${path}.`,
    );
  }
  const { backbone, metadata } = loadBackbone(path);
  try {
    const { crop, fill } = inputOf(metadata);
    const sets = await openProbeData(photos, { crop, size: "auto", cache, signal, report });
    try {
      const result = await probe({ backbone, ...sets, crop, fill, protocol, seed, signal, report });
      await folder?.addProbe({ ...result, photos: photos.map((path) => resolve(path)), seed });
      return result;
    } finally {
      sets.train.close();
      sets.test.close();
    }
  } finally {
    backbone.dispose();
  }
}
