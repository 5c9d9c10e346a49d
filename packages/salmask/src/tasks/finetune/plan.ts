/** What a fine-tuning will do, and how long it will take. */
import { availableParallelism } from "node:os";
import { setNumThreads } from "@salmask/torch";
import { chooseAlgorithms, computeOf } from "../../compute/compute.js";
import { withKnownLabels } from "../../data/samples/few-labels.js";
import { labelBudget } from "../../data/samples/label-budget.js";
import { batches } from "../../data/samples/order.js";
import { openSource } from "../../data/sources/source.js";
import { labelsOfSource } from "../../data/store/labels-of-source.js";
import { noisePhotos } from "../../data/store/noise-photos.js";
import { RunFolder } from "../../runs/run-folder.js";
import { refuseOtherSettings } from "../../runs/same-run.js";
import { type RunPlan, runPlan } from "../../training/run-plan.js";
import { tryTask } from "../../training/trial.js";
import { splitsOf } from "../probe/probe.js";
import { type FinetuneOptions, networkOf, startFrom } from "./finetune.js";
import { finetuneSettings } from "./settings.js";
import { epochsOf, FinetuneTask } from "./task.js";

export interface FinetunePlan extends RunPlan {
  readonly kind: "finetune";
  readonly classes: number;
  /** Side of a view in pixels. */
  readonly crop: number;
}

/** Counts the known labels and tries some steps with random photos. Writes nothing. Throws what `finetune` throws before the first step. */
export async function planFinetuning(
  options: Pick<
    FinetuneOptions,
    "encoder" | "photos" | "out" | "config" | "set" | "resume" | "signal" | "report"
  >,
): Promise<FinetunePlan> {
  const { config, photos, resume = false, signal, report } = options;
  const folder = new RunFolder(options.out);
  folder.refuseFor(resume);
  const compute = computeOf(config);
  using checkpoint = folder.checkpointFor(resume);
  if (checkpoint !== null) refuseOtherSettings(finetuneSettings, checkpoint, config, compute);
  const { seed } = config;
  const [source] =
    photos.length === 1
      ? await splitsOf(photos[0], { ...options.set, seed, report })
      : [await openSource(photos[0])];
  const { classes, labels } = await labelsOfSource(source, signal);
  const known = withKnownLabels(labels, classes.length, labelBudget(config.labels), seed);
  const batchSize = Math.min(config.batchSize, known.length);
  const stepsPerEpoch = batches(known, batchSize).length;
  chooseAlgorithms(compute, config.deterministic);
  setNumThreads(config.threads === "auto" ? availableParallelism() : config.threads);
  const start = startFrom(options.encoder, config);
  const { crop, fill } = start;
  const dataset = noisePhotos(batchSize, 2 * crop, classes);
  const all = Int32Array.from({ length: batchSize }, (_, i) => i);
  const task = new FinetuneTask(
    networkOf(start, classes.length, seed, compute),
    { dataset, known: all, crop, fill, compute },
    config,
  );
  try {
    const trial = await tryTask(task, { compute, signal });
    const epochs = epochsOf(config, stepsPerEpoch);
    const done = checkpoint?.position.step;
    const plan = runPlan({ photos: known.length, batchSize, stepsPerEpoch, epochs, trial, done });
    return { kind: "finetune", ...plan, classes: classes.length, crop };
  } finally {
    task.dispose();
  }
}
