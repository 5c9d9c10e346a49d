/** Training a detector as a task: photos at their own sizes, their objects, and the detector's losses added up. */
import { KeyedRandom, optim, type Tensor } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { StageClock } from "../../base/stage-clock.js";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import { PhotoLoader } from "../../data/store/photo-loader.js";
import { type Decisions, keyedDecisions } from "../../detection/decisions.js";
import type { Detector } from "../../detection/rcnn.js";
import type { Truth } from "../../detection/targets.js";
import type { RgbImage } from "../../image/decode.js";
import type { Learner, Loss, Progress, Schedule, Task, TaskState } from "../../training/task.js";
import { checkSize, pictureOf, truthOf } from "./photos.js";
import type { DetectConfig } from "./settings.js";

/** Photos with objects as the detector looks at them. */
interface DetectBatch {
  /** `[3, H, W]` each, in [0, 1]. */
  readonly pictures: readonly Tensor[];
  readonly truths: readonly Truth[];
  readonly decisions: Decisions;
}

export class DetectTask implements Task<DetectBatch> {
  readonly learners: readonly Learner<DetectBatch>[];
  private readonly loader: PhotoLoader;
  /** Of the step that comes. */
  private photos: readonly RgbImage[] = [];

  /** Takes the detector over. */
  constructor(
    readonly detector: Detector,
    private readonly set: AnnotatedPhotos,
    private readonly config: DetectConfig,
  ) {
    const { momentum, weightDecay } = config.train;
    const names = set.photos.map(({ name }) => name);
    this.loader = new PhotoLoader({ root: set.path, names });
    detector.train();
    const learned = Array.from(detector.namedParameters()).filter(([, { requiresGrad }]) => requiresGrad);
    this.learners = [
      {
        name: "detector",
        optimizer: new optim.SGD(learned, { lr: 0, momentum, weightDecay }),
        lr: learningRate(config.train),
        losses: (batch) => this.losses(batch),
      },
    ];
  }

  batches(epoch: number): readonly Int32Array[] {
    const { seed, train } = this.config;
    const { length } = this.set.photos;
    return batches(epochOrder(seed, epoch, length), Math.min(train.batchSize, length));
  }

  async fetch(ids: Int32Array, next: Int32Array | null): Promise<void> {
    const photos = this.loader.photos(ids);
    if (next !== null) this.loader.prefetch(next);
    this.photos = await photos;
    for (const [place, id] of ids.entries()) checkSize(this.photos[place], this.set.photos[id]);
  }

  see(ids: Int32Array, { epoch }: Progress, clock: StageClock): DetectBatch {
    const { seed, train, detection } = this.config;
    const isMirrored = Array.from(
      ids,
      (id) => new KeyedRandom(seed, purpose.mirrored, epoch, id).uniform() < train.flipProbability,
    );
    const withMasks = detection.masks;
    return {
      pictures: clock.in("augmentation", () =>
        this.photos.map((photo, place) => pictureOf(photo, isMirrored[place])),
      ),
      truths: clock.in("data", () =>
        Array.from(ids, (id, place) =>
          truthOf(this.set.photos[id], { withMasks, isMirrored: isMirrored[place] }),
        ),
      ),
      decisions: keyedDecisions(detection, { seed, epoch, ids }),
    };
  }

  private *losses({ pictures, truths, decisions }: DetectBatch): Iterable<Loss> {
    const parts = Object.entries(this.detector.losses(pictures, truths, decisions)).filter(
      (entry): entry is [string, Tensor] => entry[1] !== null,
    );
    const loss = parts.map(([, part]) => part).reduce((sum, part) => sum.add(part)); // []
    yield {
      loss,
      logs: () => Object.fromEntries(parts.map(([name, part]) => [name, part.item()])),
    };
  }

  state(): TaskState {
    return { tensors: this.detector.stateDict(), counters: {} };
  }

  loadState({ tensors }: TaskState): void {
    this.detector.loadStateDict(tensors);
  }

  dispose(): void {
    for (const { optimizer } of this.learners) optimizer.dispose();
    this.detector.dispose();
  }
}

/** For a batch of 16 photos: MoCo's on VOC (He et al. 2020, section 4.2). */
const usualRate = 0.02;

/** It rises over the warm-up, then falls to a tenth at each milestone. */
export function learningRate({
  lr,
  batchSize,
  milestones,
  warmupSteps,
}: Pick<DetectConfig["train"], "lr" | "batchSize" | "milestones" | "warmupSteps">): Schedule {
  const highest = lr ?? (usualRate * batchSize) / 16;
  return ({ step, stepsPerEpoch, epochs }) => {
    const done = step / (stepsPerEpoch * epochs);
    const tenths = milestones.filter((milestone) => done >= milestone).length;
    return highest * Math.min(1, (step + 1) / (warmupSteps + 1)) * 0.1 ** tenths;
  };
}
