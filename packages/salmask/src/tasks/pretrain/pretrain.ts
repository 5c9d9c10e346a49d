/** Pre-training from the first photo to the weights file; the loop reads from top to bottom in `pretrain`. */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setNumThreads } from "@salmask/torch";
import { stringify } from "yaml";
import { InterruptedError, TrainingError, UsageError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/files.js";
import { progressLine } from "../../cli/progress.js";
import { computeOf } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import { openDataset, type PackedDataset } from "../../data/store/dataset.js";
import { listCheckpoints } from "../../runs/checkpoint.js";
import { type Metrics, MetricsLog } from "../../runs/metrics-log.js";
import { checkpointsOf, refuseForeign } from "../../runs/run-folder.js";
import { learningRateAt, occlusionRateAt } from "../../training/optimizer.js";
import { saveBackbone } from "../../weights/files.js";
import { weightsMetadata } from "../../weights/metadata.js";
import { branchVariance } from "./branch-variance.js";
import { disposeRun, makeRun, type Run, restore, save } from "./run.js";
import { type StepMetrics, trainStep } from "./step.js";

export interface PretrainOptions {
  /** Folder, `.tar` or `.tar.gz` of photos. */
  photos: string;
  /** The run's folder; made where it is missing. */
  out: string;
  config: RunConfig;
  /** false starts anew; true goes on from the newest checkpoint, a path from that one. */
  resume: boolean | string;
  /** Aborting writes a checkpoint after the current step and ends the run with {@link InterruptedError}. */
  signal?: AbortSignal;
  /** Lines for people. */
  report?: (line: string) => void;
}

/** What a run leaves behind, also written to `summary.json`. */
export interface PretrainSummary {
  run: string;
  photos: string;
  images: number;
  skipped: number;
  epochs: number;
  steps: number;
  /** Steps that this process did; fewer than `steps` after a resumption. */
  stepsHere: number;
  /** Of this process, the opening of the data included. */
  seconds: number;
  /** Of the last step; null where the run was complete already. */
  loss: number | null;
  contrastAccuracy: number | null;
  weights: string;
  checkpoint: string | null;
}

/**
 * Trains an encoder on unlabelled photos. The same options, photos, library and threads give the same weights bit
 * for bit, whether the run was interrupted or not.
 */
export async function pretrain(options: PretrainOptions): Promise<PretrainSummary> {
  const { config, out, signal } = options;
  const report = options.report ?? (() => {});
  const started = performance.now();
  const folder = checkpointsOf(out);
  refuseForeign(out);
  computeOf(config);
  if (options.resume === false && listCheckpoints(folder).length > 0) {
    throw new UsageError(
      "run-exists",
      `Expected a new folder for the run, but ${out} holds checkpoints. Go on with --resume, or choose another --out.`,
    );
  }
  setNumThreads(config.threads === "auto" ? availableParallelism() : config.threads);
  const dataset = await openDataset(options.photos, {
    size: config.data.size,
    crop: config.data.crop,
    cacheDir: config.data.cache,
    onProgress: ({ done, total }) =>
      report(`decoded ${done}${total === undefined ? "" : ` of ${total}`} photos`),
  });
  let made: Run | null = null;
  try {
    const run = await makeRun(config, dataset);
    made = run;
    const stepsPerEpoch = batchesOf(run, 0).length;
    await mkdir(folder, { recursive: true });
    for (const line of warnings(config, dataset)) report(line);
    let step = 0;
    if (options.resume !== false) {
      step = restore(run, folder, typeof options.resume === "string" ? options.resume : undefined);
      report(`going on after step ${step}`);
    }
    const log = new MetricsLog(join(out, "metrics.jsonl"));
    await log.rewindTo(step);
    await writeFileAtomic(join(out, "config.yaml"), stringify(config));
    const skipped = dataset.skipped.map((image) => `${JSON.stringify(image)}\n`).join("");
    await writeFileAtomic(join(out, "skipped.jsonl"), skipped);

    const { method, optimizer, guide, adversary } = run;
    const { batchSize, epochs, checkpointEvery, keep, logEvery, varianceEvery } = config.train;
    const steps = epochs * stepsPerEpoch;
    const isLookedAt = (done: number) => varianceEvery > 0 && done % (varianceEvery * stepsPerEpoch) === 0;
    const isLogged = (done: number) => done % logEvery === 0 || done === steps || isLookedAt(done);
    let order: Int32Array[] = [];
    let last: StepMetrics | null = null;
    let checkpoint = listCheckpoints(folder).at(0);
    let speed = { images: 0, since: performance.now() };
    const first = step;
    while (step < steps) {
      const epoch = Math.floor(step / stepsPerEpoch);
      // A run that goes on within an epoch has what the epoch began with in its checkpoint.
      if (step % stepsPerEpoch === 0) guide.beforeEpoch(epoch, method.momentumBackbone);
      if (order.length === 0 || step % stepsPerEpoch === 0) order = batchesOf(run, epoch);
      optimizer.lr = learningRateAt(config, step, stepsPerEpoch);
      if (adversary !== null) adversary.optimizer.lr = occlusionRateAt(config, step, stepsPerEpoch);
      const ids = order[step % stepsPerEpoch];
      try {
        last = trainStep(run, ids, { epoch, step, logged: isLogged(step + 1) });
      } catch (error) {
        throw withLastGood(error, checkpoint);
      }
      step++;
      speed.images += ids.length;
      if (last !== null) {
        const imagesPerSecond = (1000 * speed.images) / (performance.now() - speed.since);
        const metrics: Metrics = {
          ...{ epoch, step, ...last, lr: optimizer.lr, queueFill: method.queueFill(), imagesPerSecond },
          branchVariance: isLookedAt(step) ? branchVariance(run) : null,
        };
        log.append(metrics);
        report(progressLine(metrics, { epochs, stepsPerEpoch, batchSize }));
        speed = { images: 0, since: performance.now() };
      }
      // The step is synchronous; signals and timers get their turn here.
      await new Promise(setImmediate);
      const interrupted = signal?.aborted === true && step < steps;
      if (interrupted || step % (checkpointEvery * stepsPerEpoch) === 0 || step === steps) {
        try {
          checkpoint = save(run, folder, step, keep);
        } catch (error) {
          throw withLastGood(error, checkpoint);
        }
      }
      if (interrupted) {
        throw new InterruptedError(
          `Stopped after step ${step} of ${steps}; a checkpoint was written: ${checkpoint}. ` +
            "Run the same command with --resume to go on.",
        );
      }
    }

    const weights = join(out, "weights.safetensors");
    saveBackbone(weights, method.backbone, weightsMetadata(config));
    const seconds = (performance.now() - started) / 1000;
    const summary: PretrainSummary = {
      ...{ run: out, photos: options.photos, images: dataset.length, skipped: dataset.skipped.length },
      ...{ epochs, steps, stepsHere: step - first, seconds },
      ...{ loss: last?.loss ?? null, contrastAccuracy: last?.contrastAccuracy ?? null },
      ...{ weights, checkpoint: checkpoint ?? null },
    };
    await writeFileAtomic(join(out, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
    return summary;
  } finally {
    if (made !== null) disposeRun(made);
    dataset.close();
  }
}

/** The photos of each step of an epoch. */
function batchesOf({ config, dataset }: Run, epoch: number): Int32Array[] {
  return batches(epochOrder(config.seed, epoch, dataset.length), config.train.batchSize);
}

/** Puts the newest whole checkpoint's place into an error that says that the loss is not finite. */
function withLastGood(error: unknown, checkpoint: string | undefined): unknown {
  if (!(error instanceof TrainingError) || error.code !== "loss-not-finite") return error;
  const last =
    checkpoint === undefined
      ? "No checkpoint was written yet."
      : `The last good checkpoint is ${checkpoint}.`;
  return new TrainingError(
    error.code,
    `${error.message} ${last} A smaller --train.lr is the usual remedy.`,
    error,
  );
}

function warnings(config: RunConfig, dataset: PackedDataset): string[] {
  const found: string[] = [];
  if (dataset.skipped.length > 0) {
    found.push(
      `warning: ${dataset.skipped.length} files could not be used; they are listed in skipped.jsonl`,
    );
  }
  if (config.method.name === "mocov2" && config.method.queue > dataset.length / 4) {
    found.push(
      `warning: the queue holds ${config.method.queue} keys, more than a quarter of the ${dataset.length} photos: ` +
        `many negatives will be the photo itself, seen an epoch ago. Try --method.queue ${Math.floor(dataset.length / 4)}`,
    );
  }
  return found;
}
