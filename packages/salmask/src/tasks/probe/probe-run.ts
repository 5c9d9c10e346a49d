import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CheckpointError, UsageError } from "../../base/errors.js";
import type { Report } from "../../base/events.js";
import { labelBudget } from "../../data/samples/label-budget.js";
import { type SetOptions, setOptions } from "../../data/sets/data-set.js";
import type { Backbone } from "../../models/backbone.js";
import { usualLastEpochs } from "../../runs/last-epochs.js";
import type { RunFolder } from "../../runs/run-folder.js";
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
  /** Epochs at the end of the run over whose encoders the scores are means; default: the last one alone. */
  readonly lastEpochs?: number;
  /** Folder of the packed photos. */
  readonly cache?: string;
  /** Aborting stops the probe with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/**
 * Probes the weights of a run, on pictures prepared like those of the encoder's training. Other weights are probed on
 * plain pictures of 224 pixels. The result of a run is also added to `probes.json` beside its weights. Throws {@link CheckpointError}
 * `no-encoders` where a run has not kept the encoders of its last epochs, {@link UsageError} `no-epochs` where there is no run.
 */
export async function probeRun(options: ProbeRunOptions): Promise<ProbeResult> {
  const { run, photos, protocol, labels = "all", lastEpochs = usualLastEpochs, ...set } = options;
  const { seed, signal, report } = set;
  const budget = labelBudget(labels);
  const { heldOut } = setOptions(set);
  const { path, folder } = weightsOf(run);
  const before = lastEpochs === 1 ? [] : earlierEncoders(run, folder, lastEpochs);
  const { backbone, metadata } = loadBackbone(path);
  const earlier: Backbone[] = [];
  try {
    for (const encoder of before) earlier.push(loadBackbone(encoder).backbone);
    const { crop, fill } = inputOf(metadata);
    const sets = await openProbeData(photos, { ...set, crop, size: "auto" });
    try {
      const asked = { protocol, seed, labels: budget, signal, report };
      const result = await probe({ backbone, earlier, ...sets, crop, fill, ...asked });
      const from = photos.map((path) => resolve(path));
      await folder?.addProbe({ ...result, photos: from, seed, labels, heldOut });
      return result;
    } finally {
      sets.train.close();
      sets.test.close();
    }
  } finally {
    for (const encoder of [backbone, ...earlier]) encoder.dispose();
  }
}

/** The encoders of the `count` last epochs but the last one, the newest first. */
function earlierEncoders(run: string, folder: RunFolder | null, count: number): string[] {
  if (folder === null) {
    throw new UsageError(
      "no-epochs",
      `Expected a run's folder for the encoders of its last ${count} epochs, got the file ${run}.`,
    );
  }
  const { epochs } = folder.readConfig().train;
  const paths = Array.from({ length: count - 1 }, (_, i) => folder.encoderAfter(epochs - 1 - i));
  const kept = paths.filter((path) => existsSync(path)).length;
  if (kept === paths.length) return paths;
  throw new CheckpointError(
    "no-encoders",
    `Expected the encoders of the last ${count} of ${epochs} epochs in ${run}, got ${kept} beside the last one. ` +
      `A run keeps them with --train.keepEncoders ${count - 1}.`,
  );
}
