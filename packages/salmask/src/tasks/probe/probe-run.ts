import { statSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/files.js";
import { loadBackbone } from "../../weights/files.js";
import { inputOf } from "../../weights/metadata.js";
import { type LinearProtocol, openProbeData, type ProbeResult, probe } from "./probe.js";

export interface ProbeRunOptions {
  /** A run's folder, or a safetensors file of weights. */
  run: string;
  /** Labelled photos: one folder with `train` and `test` (or `val`), or both folders. */
  photos: readonly string[];
  protocol: LinearProtocol;
  seed: number;
  /** Folder of the packed photos. */
  cache?: string;
  report?: (line: string) => void;
}

/**
 * Probes the weights that a run left, on pictures prepared as the encoder was trained on them. Weights from elsewhere
 * are probed on plain pictures of 224 pixels. A run's result is also written to `probe.json` beside its weights.
 */
export async function probeRun(options: ProbeRunOptions): Promise<ProbeResult> {
  const { run, photos, protocol, seed, cache, report } = options;
  const folder = statSync(run, { throwIfNoEntry: false })?.isDirectory() === true ? run : null;
  const path = folder === null ? run : join(folder, "weights.safetensors");
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw new CheckpointError(
      "no-weights",
      `Expected a run's folder with weights.safetensors, or a safetensors file, but there is no ${path}.`,
    );
  }
  const { backbone, metadata } = loadBackbone(path);
  const { crop, fill } = inputOf(metadata);
  const sets = await openProbeData(photos, { crop, size: "auto", cache }, report);
  try {
    const result = probe({ backbone, ...sets, crop, fill, protocol, seed, report });
    if (folder !== null)
      await writeFileAtomic(join(folder, "probe.json"), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  } finally {
    sets.train.close();
    sets.test.close();
    backbone.dispose();
  }
}
