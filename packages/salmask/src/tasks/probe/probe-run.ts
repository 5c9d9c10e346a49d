import { resolve } from "node:path";
import type { Report } from "../../base/events.js";
import { labelBudget } from "../../data/samples/label-budget.js";
import { type SetOptions, setOptions } from "../../data/sets/data-set.js";
import { weightsOf } from "../../runs/run-weights.js";
import { loadBackbone } from "../../weights/files.js";
import { inputOf } from "../../weights/metadata.js";
import { type LinearProtocol, openProbeData, type ProbeResult, probe } from "./probe.js";

/** What {@link probeRun} scores, and on what. */
export interface ProbeRunOptions extends Partial<Omit<SetOptions, "seed">> {
  /** A run's folder, or a safetensors file of weights. */
  readonly run: string;
  /** Labelled photos: a data set with splits, class folders to be split, or the two folders. */
  readonly photos: readonly string[];
  /** Leaves out what is wrong with a data set; otherwise such a set is refused. Default false. */
  readonly skipBad?: boolean;
  readonly protocol: LinearProtocol;
  /** Of the untrained encoder, the classifier, and the split where a set comes without one. */
  readonly seed: number;
  /** Labels that are known: `all`, a share such as `10%`, or a number per class such as `5`; default: all. */
  readonly labels?: string;
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
  const { run, photos, protocol, labels = "all", ...set } = options;
  const { seed, signal, report } = set;
  const budget = labelBudget(labels);
  const { heldOut } = setOptions(set);
  const { path, folder } = weightsOf(run);
  const { backbone, metadata } = loadBackbone(path);
  try {
    const { crop, fill } = inputOf(metadata);
    const sets = await openProbeData(photos, { ...set, crop, size: "auto" });
    try {
      const asked = { protocol, seed, labels: budget, signal, report };
      const result = await probe({ backbone, ...sets, crop, fill, ...asked });
      const from = photos.map((path) => resolve(path));
      await folder?.addProbe({ ...result, photos: from, seed, labels, heldOut });
      return result;
    } finally {
      sets.train.close();
      sets.test.close();
    }
  } finally {
    backbone.dispose();
  }
}
