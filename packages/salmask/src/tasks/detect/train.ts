/** Training a detector from a run's encoder, to a scored detector. */
import { Generator, KeyedRandom, noGrad, setNumThreads } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { type Compute, chooseAlgorithms, computeOf, threadsFor } from "../../compute/compute.js";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";
import type { Detector } from "../../detection/rcnn.js";
import { createBackbone } from "../../models/registry.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import type { DetectSummary } from "../../runs/records.js";
import { RunFolder } from "../../runs/run-folder.js";
import { weightsOf } from "../../runs/run-weights.js";
import { refuseOtherPhotos, refuseOtherSettings } from "../../runs/same-run.js";
import { continueFrom, trainInFolder } from "../../runs/train-in-folder.js";
import type { DetectorDescription } from "../../weights/detector-description.js";
import { buildDetector, saveDetector } from "../../weights/detector-files.js";
import { loadBackbone } from "../../weights/files.js";
import { highPassOf } from "../../weights/metadata.js";
import { fingerprintOf } from "./fingerprint.js";
import { chooseByPhotos } from "./recipe.js";
import { type ChosenDetectConfig, type DetectConfig, detectSettings } from "./settings.js";
import { DetectTask } from "./task.js";

/** What {@link trainDetector} trains, on what, and where it writes. */
export interface TrainDetectorOptions {
  /** A run's folder, or a safetensors file of an encoder's weights. */
  readonly encoder: string;
  /** Photos with boxes, and with masks where `detection.masks` asks for them. */
  readonly set: AnnotatedPhotos;
  /** How people named the set, for the summary; its folder of photos where it is not given. */
  readonly photos?: string;
  /** The run's folder; made where it is missing. */
  readonly out: string;
  readonly config: DetectConfig;
  /** false, the default, starts anew; true goes on from the newest checkpoint, a path from that one. */
  readonly resume?: boolean | string;
  /** Whether TensorBoard's event files are written too; a resumed run that has some goes on with them. Default false. */
  readonly tensorboard?: boolean;
  /** Aborting ends the run with InterruptedError: after the step, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
  /** The processes that train together, each of which calls this with the same options. Default: this one alone. */
  readonly ranks?: Ranks;
}

/**
 * Trains a detector on photos with objects. Of several ranks the first writes and reports. The same options, photos, library and threads give the same weights bit for bit on a
 * CPU, whether the run was interrupted or not. Throws UsageError, DataError, CheckpointError, TrainingError, InterruptedError.
 */
export async function trainDetector(options: TrainDetectorOptions): Promise<DetectSummary> {
  const { encoder, set, out, resume = false, signal, ranks = oneRank } = options;
  const report = ranks.isFirst ? (options.report ?? silent) : silent;
  const started = performance.now();
  const folder = new RunFolder(out);
  await ranks.onFirst(async () => folder.refuseFor(resume));
  if (set.photos.length === 0) {
    throw new UsageError("no-photos", `Expected photos to learn from in ${set.path}, got none.`);
  }
  const { config, why } = chooseByPhotos(options.config, { photos: set.photos, strides: stridesOf(encoder) });
  for (const message of why) report({ kind: "note", message });
  // Regions of a photo, over which norms in the heads go, are not as many on each rank: so batch norm stays local.
  const compute: Compute = { ...computeOf(config), ranks };
  chooseAlgorithms(compute, config.deterministic);
  setNumThreads(threadsFor(config.threads, ranks));
  const fingerprint = fingerprintOf(set);
  using _lock = ranks.isFirst ? folder.lock() : null;
  using checkpoint = folder.checkpointFor(resume);
  if (checkpoint !== null) {
    refuseOtherSettings(detectSettings, checkpoint, config, compute);
    refuseOtherPhotos(checkpoint, { fingerprint, sourceStamp: fingerprint });
  }
  const { detector, description } = detectorFrom(encoder, set, config);
  const task = new DetectTask(detector, set, config, ranks);
  try {
    const before = checkpoint?.position.seconds ?? 0;
    const seconds = () => before + (performance.now() - started) / 1000;
    const first = continueFrom(task, checkpoint, report);
    const epochs = epochsOf(config, task.batches(0).length);
    const { steps, end } = await trainInFolder(task, {
      folder,
      kind: detectSettings,
      config,
      compute,
      dataFingerprint: fingerprint,
      epochs,
      first,
      schedule: config.train,
      tensorboard: options.tensorboard,
      seconds,
      signal,
      report,
    });
    if (config.train.preciseNorm > 0) {
      report({
        kind: "note",
        message: `averaging the norms' statistics over ${config.train.preciseNorm} batches`,
      });
      await task.averageNorms(config.train.preciseNorm, Math.ceil(epochs), { signal, report });
    }
    return await ranks.onFirst(async () => {
      saveDetector(folder.weights, task.detector, description);
      const summary: DetectSummary = {
        kind: "detect",
        run: out,
        encoder,
        start: config.start,
        photos: options.photos ?? set.path,
        images: set.photos.length,
        objects: set.photos.reduce((sum, { objects }) => sum + objects.length, 0),
        categories: set.categories.map(({ name }) => name),
        epochs: Math.ceil(epochs),
        steps,
        seconds: seconds(),
        loss: end?.loss ?? null,
        weights: folder.weights,
      };
      await folder.writeSummary(summary);
      return summary;
    });
  } finally {
    task.dispose();
  }
}

/** A fraction where the run is counted in steps. */
export function epochsOf({ train: { epochs, steps } }: ChosenDetectConfig, stepsPerEpoch: number): number {
  if (steps !== undefined) return steps / stepsPerEpoch;
  if (epochs === "auto") throw new TypeError("Expected epochs or steps, got neither.");
  return epochs;
}

export function stridesOf(encoder: string): number[] {
  using backbone = loadBackbone(weightsOf(encoder).path).backbone;
  return backbone.levels.map(({ stride }) => stride);
}

/** A detector on top of the encoder, or of an untrained one like it. */
export function detectorFrom(
  encoder: string,
  set: AnnotatedPhotos,
  { seed, start, filter, detection, ...config }: ChosenDetectConfig,
): { detector: Detector; description: DetectorDescription } {
  const { backbone, metadata } = loadBackbone(weightsOf(encoder).path);
  const highPass = filter === "auto" ? highPassOf(metadata) : null;
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  const body =
    start === "encoder" ? backbone.setRequiresGrad(true) : createBackbone(backbone.spec, generator);
  if (body !== backbone) backbone.dispose();
  const categories = set.categories.map(({ id, name }) => ({ id, name }));
  const description = { backbone: body.spec, settings: detection, categories, highPass };
  const detector = noGrad(() => buildDetector(description, body, generator, computeOf(config)));
  return { detector, description };
}
