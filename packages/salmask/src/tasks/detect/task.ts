/** Training a detector as a task: photos at their own sizes, their objects, and the detector's losses added up. */
import { KeyedRandom, nn, noGrad, optim, scope, type Tensor } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { StageClock } from "../../base/stage-clock.js";
import type { AnnotatedPhotos } from "../../data/samples/objects.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import { PhotoLoader } from "../../data/store/photo-loader.js";
import { type Decisions, keyedDecisions } from "../../detection/decisions.js";
import type { Detector } from "../../detection/rcnn.js";
import type { Truth } from "../../detection/targets.js";
import type { RgbImage } from "../../image/decode.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import { shareStatistics } from "../../training/share.js";
import type { Learner, Loss, Progress, Schedule, Task, TaskState } from "../../training/task.js";
import { checkSize, pictureOf, truthOf } from "./photos.js";
import type { ChosenDetectConfig } from "./settings.js";

/** Photos with objects as the detector looks at them: the part of a batch whose batch statistics are its own. */
interface DetectGroup {
  /** `[3, H, W]` each, in [0, 1]. */
  readonly pictures: readonly Tensor[];
  readonly truths: readonly Truth[];
  readonly decisions: Decisions;
  /** Of the batch's photos. */
  readonly share: number;
}

export class DetectTask implements Task<readonly DetectGroup[]> {
  readonly learners: readonly Learner<readonly DetectGroup[]>[];
  private readonly loader: PhotoLoader;
  /** Of the step that comes. */
  private photos: readonly RgbImage[] = [];

  /** Takes the detector over. */
  constructor(
    readonly detector: Detector,
    private readonly set: AnnotatedPhotos,
    private readonly config: ChosenDetectConfig,
    private readonly ranks: Ranks = oneRank,
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
        losses: (groups) => this.losses(groups),
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

  see(ids: Int32Array, { epoch }: Pick<Progress, "epoch">, clock: StageClock): DetectGroup[] {
    // The ranks have the groups among them; each has at least one.
    const groups = Math.max(1, Math.floor(this.config.train.groups / this.ranks.worldSize));
    const size = Math.ceil(ids.length / groups);
    const starts = Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => i * size);
    return starts.map((start) => {
      const ofGroup = ids.subarray(start, start + size);
      return this.group(ofGroup, this.photos.slice(start, start + size), {
        epoch,
        clock,
        share: ofGroup.length / ids.length,
      });
    });
  }

  private group(
    ids: Int32Array,
    photos: readonly RgbImage[],
    { epoch, clock, share }: { epoch: number; clock: StageClock; share: number },
  ): DetectGroup {
    const { seed, train, detection } = this.config;
    const isMirrored = Array.from(
      ids,
      (id) => new KeyedRandom(seed, purpose.mirrored, epoch, id).uniform() < train.flipProbability,
    );
    const withMasks = detection.masks;
    return {
      pictures: clock.in("augmentation", () =>
        photos.map((photo, place) => pictureOf(photo, isMirrored[place])),
      ),
      truths: clock.in("data", () =>
        Array.from(ids, (id, place) =>
          truthOf(this.set.photos[id], { withMasks, isMirrored: isMirrored[place] }),
        ),
      ),
      decisions: keyedDecisions(detection, { seed, epoch, ids }),
      share,
    };
  }

  /** One after another, so that one group's graph is in memory. */
  private *losses(groups: readonly DetectGroup[]): Iterable<Loss> {
    for (const { pictures, truths, decisions, share } of groups) {
      const parts = Object.entries(this.detector.losses(pictures, truths, decisions)).filter(
        (entry): entry is [string, Tensor] => entry[1] !== null,
      );
      const whole = parts.map(([, part]) => part).reduce((sum, part) => sum.add(part)); // []
      yield {
        loss: share === 1 ? whole : whole.mul(share),
        logs: () => ({
          loss: whole.item(),
          ...Object.fromEntries(parts.map(([name, part]) => [name, part.item()])),
        }),
      };
    }
  }

  /**
   * Averages the statistics of the norms over batches of the weights as they are, instead of over the last steps of training: Wu and
   * Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3 (precise BN). `epoch` is one that was not trained on. Aborting throws
   * InterruptedError.
   */
  async averageNorms(
    count: number,
    epoch: number,
    { signal, report = silent }: { readonly signal?: AbortSignal; readonly report?: Report } = {},
  ): Promise<void> {
    const norms = Array.from(this.detector.namedModules(), ([, module]) => module).filter(
      (module): module is nn.BatchNorm => module instanceof nn.BatchNorm && !module.isFrozen,
    );
    const momenta = norms.map(({ momentum }) => momentum);
    for (const norm of norms) {
      norm.momentum = null;
      noGrad(() => norm.numBatchesTracked.zero_());
    }
    const ofEpoch = this.batches(epoch).length;
    for (let i = 0; i < count; i++) {
      const at = epoch + Math.floor(i / ofEpoch);
      const ids = this.ranks.slice(this.batches(at)[i % ofEpoch]);
      await this.fetch(ids, null);
      noGrad(() =>
        scope(() => {
          for (const _ of this.losses(this.see(ids, { epoch: at }, new StageClock())));
        }),
      );
      report({ kind: "progress", what: "averaging the norms' statistics", done: i + 1, total: count });
      if (this.ranks.some(signal?.aborted === true))
        throw new InterruptedError(
          "Stopped while the norms' statistics were averaged; run the same command with --resume.",
        );
    }
    for (const [i, norm] of norms.entries()) norm.momentum = momenta[i];
    shareStatistics(this, this.ranks);
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

/** It rises over the warm-up, then falls to a tenth at each milestone: a share of the run up to 1, a step above. */
export function learningRate({
  lr,
  batchSize,
  milestones,
  warmupSteps,
}: Pick<ChosenDetectConfig["train"], "lr" | "batchSize" | "milestones" | "warmupSteps">): Schedule {
  const highest = lr ?? (usualRate * batchSize) / 16;
  return ({ step, stepsPerEpoch, epochs }) => {
    const done = step / (stepsPerEpoch * epochs);
    const tenths = milestones.filter((milestone) => (milestone > 1 ? step : done) >= milestone).length;
    return highest * Math.min(1, (step + 1) / (warmupSteps + 1)) * 0.1 ** tenths;
  };
}
