/** The whole pre-training, from the photos to the weights file. */
import { setNumThreads } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { type BatchNormRows, type Compute, computeOf, threadsFor } from "../../compute/compute.js";
import { pretrainSettings, type RunConfig } from "../../config/schema.js";
import { openToTrain } from "../../data/shards/open-to-train.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { maskGrid } from "../../masking/grid.js";
import { strideOf } from "../../models/registry.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import type { PretrainSummary } from "../../runs/records.js";
import { RunFolder } from "../../runs/run-folder.js";
import { refuseOtherPhotos, refuseOtherSettings } from "../../runs/same-run.js";
import { continueFrom, trainInFolder, whileResumable } from "../../runs/train-in-folder.js";
import { isOverBeforeSaliency } from "../../saliency/guide.js";
import type { MethodMaker } from "../../ssl/method-maker.js";
import { builtInMethods } from "../../ssl/registry.js";
import { saveBackbone } from "../../weights/files.js";
import { weightsMetadata } from "../../weights/metadata.js";
import { compareWithUntrained } from "../probe/compare.js";
import { keepingEncoders } from "./keep-encoders.js";
import { KnnPhotos } from "./knn.js";
import { leaveMap } from "./leave-map.js";
import { SkippedLeaver } from "./leave-skipped.js";
import { ViewsLeaver } from "./leave-views.js";
import { refuseUndivided } from "./refuse-undivided.js";
import { startFrom } from "./start-from.js";
import { type OwnParts, PretrainTask } from "./task.js";

/** What {@link pretrain} learns from, how, and where it writes. */
export interface PretrainOptions {
  /** Folder, `.tar` or `.tar.gz` of photos, or shards: a folder or list of `.tar`, or paths or addresses with braces. */
  readonly photos: string;
  /** The folder of the run; it is made if it does not exist. */
  readonly out: string;
  readonly config: RunConfig;
  /** A method or a saliency source from outside this package. */
  readonly own?: OwnParts;
  /** false, the default, starts a new run; true continues from the newest checkpoint, a path from that checkpoint. */
  readonly resume?: boolean | string;
  /** Whether TensorBoard's event files are written too; a resumed run that has some goes on with them. Default false. */
  readonly tensorboard?: boolean;
  /** Aborting ends the run with {@link InterruptedError}; during training after the current step, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
  /** The processes that train together, each of which calls this with the same options. Default: this one alone. */
  readonly ranks?: Ranks;
}

/**
 * Trains an encoder on unlabelled photos. The same options, photos, library and number of threads give the same weights
 * bit for bit, also if the run was interrupted. Writes the run's folder ({@link RunFolder}), and returns its summary. Of several ranks
 * the first writes and reports.
 *
 * Throws UsageError (`batch-not-divided`, `not-divided`, `folder-taken`, `run-exists`, `run-in-use`, `no-cuda`, settings or photos that
 * are not those of the run to resume), DataError where the photos cannot be used, CheckpointError, TrainingError (`loss-not-finite`, `disk-full`),
 * InterruptedError.
 */
export async function pretrain(options: PretrainOptions): Promise<PretrainSummary> {
  const { config, out, photos, resume = false, signal, ranks = oneRank, own } = options;
  const report = ranks.isFirst ? (options.report ?? silent) : silent;
  const started = performance.now();
  const folder = new RunFolder(out);
  refuseUndivided(config, ranks);
  const here = computeFor(config);
  await ranks.onFirst(async () => folder.refuseFor(resume));
  const compute: Compute = { ...here, ranks, batchNorm: batchNormOf(config, own?.method) };
  using _lock = ranks.isFirst ? folder.lock() : null;
  using checkpoint = folder.checkpointFor(resume);
  if (checkpoint !== null) refuseOtherSettings(pretrainSettings, checkpoint, config, compute);
  setNumThreads(threadsFor(config.threads, ranks));
  const { seed } = config;
  const dataset = await ranks.firstThenOthers(() =>
    openToTrain(photos, { ...config.data, seed, share: ranks, signal, report }),
  );
  let task: PretrainTask | null = null;
  let knn: KnnPhotos | null = null;
  let views: ViewsLeaver | null = null;
  let skipped: SkippedLeaver | null = null;
  try {
    const before = checkpoint?.position.seconds ?? 0;
    const seconds = () => before + (performance.now() - started) / 1000;
    if (checkpoint !== null) refuseOtherPhotos(checkpoint, dataset);
    stopIf(signal);
    knn = await ranks.firstThenOthers(() =>
      KnnPhotos.open({ config, dataset, compute: here, signal, report }),
    );
    task = await PretrainTask.create({
      config,
      dataset,
      compute,
      own,
      signal,
      onMapped: ({ done, total }) => report({ kind: "progress", what: "finding objects", done, total }),
    });
    const { backbone } = task.method;
    if (checkpoint === null && config.train.init !== undefined) startFrom(task.method, config.train.init);
    const first = continueFrom(task, checkpoint, report);
    for (const warning of warnings(config, dataset)) report({ kind: "warning", ...warning });
    skipped = await SkippedLeaver.open(folder, dataset, { isResumed: checkpoint !== null, ranks, report });
    if (ranks.isFirst) {
      views = new ViewsLeaver(task, folder, report);
      await views.hold();
    }
    const { epochs } = config.train;
    const leaving = withLeavers([views, skipped], report);
    const trained = await trainInFolder(task, {
      folder,
      kind: pretrainSettings,
      config,
      compute,
      dataFingerprint: dataset.fingerprint,
      epochs,
      first,
      schedule: config.train,
      lookEvery: config.train.varianceEvery,
      knn: knn?.of(backbone, ranks),
      tensorboard: options.tensorboard,
      seconds,
      signal,
      report: ranks.isFirst ? keepingEncoders(backbone, { folder, config }, leaving) : leaving,
    });
    return await ranks.onFirst(async () => {
      saveBackbone(folder.weights, backbone, weightsMetadata(config));
      const classes = await whileResumable("compared with an untrained one", () =>
        compareWithUntrained(backbone, dataset, { config, compute: here, signal, report }),
      );
      skipped?.write();
      const { end } = trained;
      const summary: PretrainSummary = {
        kind: "pretrain",
        run: out,
        photos,
        images: dataset.length,
        skipped: skipped?.all().length ?? 0,
        epochs,
        steps: trained.steps,
        stepsHere: trained.steps - first,
        seconds: seconds(),
        loss: end?.loss ?? null,
        contrastAccuracy: end?.contrastAccuracy ?? null,
        weights: folder.weights,
        checkpoint: trained.checkpoint,
        classes,
      };
      await folder.writeSummary(summary);
      const seen = trained.steps * config.train.batchSize;
      await leaveMap(backbone, {
        folder,
        dataset,
        config,
        compute: here,
        step: trained.steps,
        seen,
        signal,
        report,
      });
      return summary;
    });
  } finally {
    await views?.settle();
    await skipped?.settle();
    await dataset.stream?.settle();
    task?.dispose();
    knn?.close();
    dataset.close();
  }
}

/** Leaves something in the run's folder after a step. */
interface Leaver {
  at(step: number, isLast: boolean): void;
}

/** Leaves views, and the list of files that were not used, at each checkpoint. */
function withLeavers(leavers: readonly (Leaver | null)[], report: Report): Report {
  let steps = 0;
  return (event) => {
    if (event.kind === "begin") steps = event.steps;
    if (event.kind === "checkpoint") {
      for (const leaver of leavers) leaver?.at(event.step, event.step === steps);
    }
    report(event);
  };
}

/** Which rows batch norm sees: as the settings say, or else as is usual for the method. */
function batchNormOf(config: RunConfig, { batchNorm }: MethodMaker = builtInMethods): BatchNormRows {
  return config.train.batchNorm ?? batchNorm?.(config) ?? "sync";
}

/** Checks everything that does not need photos. Returns the device and precision of the run. */
export function refuseEarly(config: RunConfig, folder: RunFolder, resume: boolean | string): Compute {
  folder.refuseFor(resume);
  return computeFor(config);
}

function computeFor(config: RunConfig): Compute {
  const compute = computeOf(config);
  maskGrid(config.data.crop, strideOf(config.model), config.mask.grid);
  return compute;
}

function stopIf(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new InterruptedError("Stopped before the first step. The same command starts anew.");
}

function warnings(config: RunConfig, dataset: PackedDataset): { code: string; message: string }[] {
  const found: { code: string; message: string }[] = [];
  if (dataset.skipped.length > 0) {
    found.push({
      code: "photos-skipped",
      message: `${dataset.skipped.length} files could not be used; skipped.jsonl in the run's folder lists them`,
    });
  }
  const { warmupEpochs } = config.saliency;
  if (isOverBeforeSaliency(config, config.train.epochs)) {
    found.push({
      code: "nothing-masked",
      message:
        `nothing is masked in the first ${warmupEpochs} epochs, and the run has ${config.train.epochs}. ` +
        "Give --saliency.warmupEpochs 0, more epochs, or another --saliency.source",
    });
  }
  if (config.method.name === "mocov2" && config.method.queue > dataset.length / 4) {
    found.push({
      code: "long-queue",
      message:
        `the queue holds ${config.method.queue} keys, more than a quarter of the ${dataset.length} photos: ` +
        `many negatives will be the photo itself, seen an epoch ago. Try --method.queue ${Math.floor(dataset.length / 4)}`,
    });
  }
  return found;
}
