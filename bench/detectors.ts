/** The detectors that detect.ts measures, and the photos that they learn from: the same weights and photos for both sides. */
import { join } from "node:path";
import { fromTypedArray, Generator, saveSafetensors, scope, type Tensor } from "@salmask/torch";
import { StageClock } from "../packages/salmask/src/base/stage-clock.js";
import { generateObjects } from "../packages/salmask/src/data/embedded/generate-objects.js";
import { readObjects } from "../packages/salmask/src/data/sets/read-objects.js";
import { openSet } from "../packages/salmask/src/data/sets/registry.js";
import { detectionSettings } from "../packages/salmask/src/detection/settings.js";
import { createBackbone } from "../packages/salmask/src/models/registry.js";
import { type ChosenDetectConfig, detectSettings } from "../packages/salmask/src/tasks/detect/settings.js";
import { DetectTask } from "../packages/salmask/src/tasks/detect/task.js";
import { buildDetector } from "../packages/salmask/src/weights/detector-files.js";
import type { SideTask } from "./in-turn.js";

export interface DetectorKind {
  readonly arch: "resnet18" | "resnet50";
  readonly design: "fpn" | "c4";
  readonly masks: boolean;
}

/** Named as the rows are. */
export const detectors: Record<string, DetectorKind> = {
  "Mask R-CNN, ResNet-50 with a pyramid": { arch: "resnet50", design: "fpn", masks: true },
  "Faster R-CNN, ResNet-18 C4": { arch: "resnet18", design: "c4", masks: false },
};

/** Pixels along each side of a photo. */
const side = 320;
/** One for each level of a pyramid; all at C4's one level. Both as torchvision's. */
const anchorSizes = [32, 64, 128, 256, 512];
export const photosPerStep = 2;

export interface DetectorTask extends SideTask, DetectorKind {
  /** The embedded set for detection. */
  readonly folder: string;
  /** For the peer: the photos, what is in them, and the weights. */
  readonly file: string;
  /** Kinds of objects, without the background. */
  readonly classes: number;
  readonly side: number;
  readonly threads: number;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** Torchvision's and Detectron2's way to look at regions; all else is the default. */
function configOf({ design, masks, lr, momentum, weightDecay }: DetectorTask): ChosenDetectConfig {
  const box = design === "c4" ? { samplingRatio: 0, aligned: true } : {};
  const { detection, ...config } = detectSettings.schema.parse({
    device: "cpu",
    precision: "float32",
    train: { batchSize: photosPerStep, lr, warmupSteps: 0, momentum, weightDecay, flipProbability: 0 },
  });
  const chosen = { design, masks, shortSides: [side], longSide: side, anchorSizes, box };
  return { ...config, detection: detectionSettings.parse(chosen) };
}

/** A detector that is about to train, and its batch, whose photos are in memory. */
export async function openDetector(task: DetectorTask) {
  const opened = await openSet(task.folder);
  if (opened.set.kind !== "annotated") throw new TypeError(`Expected photos with objects in ${task.folder}.`);
  const set = (await readObjects(opened.set, "train")).photos;
  const generator = new Generator(0);
  const backbone = createBackbone({ arch: task.arch, stem: "imagenet", width: 64 }, generator);
  const config = configOf(task);
  const description = { settings: config.detection, categories: [...set.categories], highPass: null };
  const learning = new DetectTask(buildDetector(description, backbone, generator), set, config);
  const ids = Int32Array.from(set.photos.keys());
  await learning.fetch(ids, null);
  const progress = { epoch: 0, step: 0, stepsPerEpoch: 1, epochs: 1 };
  const [batch] = scope(() => learning.see(ids, progress, new StageClock()));
  return { task: learning, config, ids, batch };
}

/** Draws the photos into a folder, and writes what the peer needs. */
export async function prepare(
  kind: DetectorKind,
  { folder, threads }: { readonly folder: string; readonly threads: number },
): Promise<DetectorTask> {
  const { folder: set, classes } = await generateObjects(join(folder, "photos"), {
    train: photosPerStep,
    test: 1,
    size: side,
  });
  const asked: DetectorTask = {
    ...kind,
    scripts: "detect",
    steps: 1,
    way: "default",
    folder: set,
    file: join(folder, "shared.safetensors"),
    classes: classes.length,
    side,
    threads,
    // So low that both sides go on proposing the same regions.
    lr: 1e-6,
    momentum: 0.9,
    weightDecay: 1e-4,
  };
  const { task, batch } = await openDetector(asked);
  scope(() => {
    const shared: Record<string, Tensor> = {};
    for (const [name, values] of Object.entries(task.state().tensors)) shared[`state/${name}`] = values;
    for (const [i, picture] of batch.pictures.entries()) {
      const { boxes, labels, masks } = batch.truths[i];
      const count = labels.length;
      shared[`photo/${i}`] = picture;
      shared[`truth/${i}/boxes`] = fromTypedArray(boxes, [count, 4]);
      shared[`truth/${i}/labels`] = fromTypedArray(labels, [count]);
      if (masks instanceof Uint8Array)
        shared[`truth/${i}/masks`] = fromTypedArray(masks, [count, side, side]);
    }
    saveSafetensors(asked.file, shared);
  });
  task.dispose();
  return asked;
}
