/** Fine-tuning from a run's encoder to a scored classifier. */
import { Generator, KeyedRandom, saveSafetensors, setNumThreads } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { type Compute, chooseAlgorithms, computeOf, ranksOf, threadsFor } from "../../compute/compute.js";
import { withKnownLabels } from "../../data/samples/few-labels.js";
import { labelBudget } from "../../data/samples/label-budget.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Fill } from "../../masking/fills/fill.js";
import { type ClassificationScores, classificationScores } from "../../metrics/classification.js";
import type { Backbone } from "../../models/backbone.js";
import { Classifier } from "../../models/classifier.js";
import { createBackbone } from "../../models/registry.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import type { FinetuneSummary } from "../../runs/records.js";
import { RunFolder } from "../../runs/run-folder.js";
import { weightsOf } from "../../runs/run-weights.js";
import { refuseOtherPhotos, refuseOtherSettings } from "../../runs/same-run.js";
import { continueFrom, trainInFolder, whileResumable } from "../../runs/train-in-folder.js";
import type { Checkpoint } from "../../training/position.js";
import { loadBackbone } from "../../weights/files.js";
import { inputOf } from "../../weights/metadata.js";
import { outputsOf } from "../probe/features.js";
import { checkLabels, type OpenProbeData, openProbeData } from "../probe/probe.js";
import { type FinetuneConfig, finetuneSettings } from "./settings.js";
import { FinetuneTask } from "./task.js";

/** What {@link finetune} trains, on what, and where it writes. */
export interface FinetuneOptions {
  /** A run's folder, or a safetensors file of weights. */
  readonly encoder: string;
  /** Labelled photos: one folder with `train` and `test` (or `val`), or both folders. */
  readonly photos: readonly string[];
  /** The run's folder; made where it is missing. */
  readonly out: string;
  readonly config: FinetuneConfig;
  /** How a data set is split, and what of it is used. */
  readonly set?: Pick<OpenProbeData, "heldOut" | "perClass" | "fold" | "subset" | "skipBad" | "scored">;
  /** false, the default, starts anew; true goes on from the newest checkpoint, a path from that one. */
  readonly resume?: boolean | string;
  /** Whether TensorBoard's event files are written too; a resumed run that has some goes on with them. Default false. */
  readonly tensorboard?: boolean;
  /** Aborting ends the run with InterruptedError: in training after the step, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
  /** The processes that train together, each of which calls this with the same options. Default: this one alone. */
  readonly ranks?: Ranks;
}

/** Photos that are scored at a time. */
const scoredAtOnce = 256;

/**
 * Trains every weight of an encoder and a linear layer on photos whose labels are known, and scores the result on the others
 * after the last epoch. Of several ranks the first writes, scores and reports. The same options, photos, library and threads give the same weights bit for bit on a CPU, whether the
 * run was interrupted or not. Throws UsageError, DataError, CheckpointError, TrainingError, InterruptedError.
 */
export async function finetune(options: FinetuneOptions): Promise<FinetuneSummary> {
  const { config, out, photos, resume = false, signal, ranks = oneRank } = options;
  const report = ranks.isFirst ? (options.report ?? silent) : silent;
  const started = performance.now();
  const folder = new RunFolder(out);
  await ranks.onFirst(async () => folder.refuseFor(resume));
  const compute: Compute = { ...computeOf(config), ranks, batchNorm: "sync" };
  chooseAlgorithms(compute, config.deterministic);
  setNumThreads(threadsFor(config.threads, ranks));
  const start = startFrom(options.encoder, config);
  try {
    using _lock = ranks.isFirst ? folder.lock() : null;
    using checkpoint = folder.checkpointFor(resume);
    if (checkpoint !== null) refuseOtherSettings(finetuneSettings, checkpoint, config, compute);
    const { seed, cache } = config;
    const opened = { ...options.set, crop: start.crop, size: "auto", cache, seed, signal, report } as const;
    const sets = await ranks.firstThenOthers(() => openProbeData(photos, opened));
    try {
      if (checkpoint !== null) refuseOtherPhotos(checkpoint, sets.train);
      return await trainAndScore(
        { ...options, report },
        { folder, compute, checkpoint, start, sets, started },
      );
    } finally {
      sets.train.close();
      sets.test.close();
    }
  } finally {
    start.backbone?.dispose();
  }
}

/** What training starts from. Whoever takes the backbone over sets it to null here. */
export interface Start {
  backbone: Backbone | null;
  /** Side of the views in pixels. */
  readonly crop: number;
  readonly fill: Fill;
  readonly metadata: Record<string, string>;
}

/** Reads the encoder that training starts from, or makes an untrained one like it. Throws CheckpointError. */
export function startFrom(encoder: string, { start, crop, seed }: FinetuneConfig): Start {
  const { backbone, metadata } = loadBackbone(weightsOf(encoder).path);
  const input = inputOf(metadata);
  const seen = { crop: crop === "auto" ? input.crop : crop, fill: input.fill, metadata };
  if (start === "encoder") return { backbone: backbone.setRequiresGrad(true), ...seen };
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  const untrained = createBackbone(backbone.spec, generator);
  backbone.dispose();
  return { backbone: untrained, ...seen };
}

interface Prepared {
  readonly folder: RunFolder;
  readonly compute: Compute;
  readonly checkpoint: Checkpoint | null;
  readonly start: Start;
  readonly sets: { readonly train: PackedDataset; readonly test: PackedDataset };
  /** When the work began, in milliseconds of `performance.now`. */
  readonly started: number;
}

async function trainAndScore(
  { config, encoder, photos, out, tensorboard, signal, report = silent }: FinetuneOptions,
  { folder, compute, checkpoint, start, sets, started }: Prepared,
): Promise<FinetuneSummary> {
  const { train: dataset, test } = sets;
  checkLabels(dataset, test);
  const { seed } = config;
  const known = withKnownLabels(dataset.labels, dataset.classes.length, labelBudget(config.labels), seed);
  if (known.length < 2) {
    throw new DataError("few-labels", `Expected at least 2 photos with known labels, got ${known.length}.`);
  }
  const { crop, fill } = start;
  const task = new FinetuneTask(
    networkOf(start, dataset.classes.length, seed, compute),
    { dataset, known, crop, fill, compute },
    config,
  );
  try {
    const before = checkpoint?.position.seconds ?? 0;
    const seconds = () => before + (performance.now() - started) / 1000;
    const first = continueFrom(task, checkpoint, report);
    report({ kind: "note", message: `training on ${known.length} labels, scored on ${test.length} photos` });
    const { epochs } = task;
    const { steps } = await trainInFolder(task, {
      folder,
      kind: finetuneSettings,
      config,
      compute,
      dataFingerprint: dataset.fingerprint,
      epochs,
      first,
      schedule: config,
      tensorboard,
      seconds,
      signal,
      report,
    });
    return await ranksOf(compute).onFirst(async () => {
      const scores = await whileResumable("scored", () =>
        score(task.network, test, { crop, fill, compute, signal, report }),
      );
      const classes = [...dataset.classes];
      const named = { ...start.metadata, crop: String(crop), classes: JSON.stringify(classes) };
      saveSafetensors(folder.weights, task.network.weights(), { format: "pt", ...named });
      const summary: FinetuneSummary = {
        kind: "finetune",
        run: out,
        encoder,
        start: config.start,
        photos: [...photos],
        trainPhotos: known.length,
        testPhotos: test.length,
        classes,
        epochs,
        steps,
        seconds: seconds(),
        weights: folder.weights,
        scores,
      };
      await folder.writeSummary(summary);
      return summary;
    });
  } finally {
    task.dispose();
  }
}

/** Takes the backbone over, and puts a new classifier on it. */
export function networkOf(start: Start, classes: number, seed: number, compute: Compute): Classifier {
  const { backbone } = start;
  if (backbone === null) throw new TypeError("Expected a backbone that nobody has taken yet.");
  start.backbone = null;
  const generator = new Generator(new KeyedRandom(seed, purpose.classifier).uint32());
  return new Classifier(backbone, classes, generator, compute);
}

interface Scored {
  readonly crop: number;
  readonly fill: Fill;
  readonly compute: Compute;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

async function score(
  network: Classifier,
  test: PackedDataset,
  { report, ...seen }: Scored,
): Promise<ClassificationScores> {
  const onProgress = ({ done, total }: { done: number; total: number }) =>
    report({ kind: "progress", what: "scoring", done, total });
  const options = { ...seen, batchSize: scoredAtOnce, onProgress };
  const logits = await outputsOf(network, (seen) => network.forward(seen), test, options); // [M, classes]
  try {
    return classificationScores(logits, test.labels);
  } finally {
    logits.dispose();
  }
}
