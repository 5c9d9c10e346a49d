/** One round of training a localization network. */
import { optim, type Tensor } from "@salmask/torch";
import type { StageClock } from "../../base/stage-clock.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { LocalizationNetwork } from "../../models/localization-network.js";
import { PhotoMaps } from "../../saliency/maps/photo-maps.js";
import { withCues } from "../../saliency/networks/localizer.js";
import type { SaliencySource } from "../../saliency/source.js";
import type { Learner, Loss, Progress, Task, TaskState } from "../../training/task.js";
import { cropMaps } from "../../views/crop-maps.js";
import { renderView } from "../../views/render.js";
import { LabelSource, photoWeights, placeWeights } from "./labels.js";
import { type ObjectTargets, objectLoss } from "./object-loss.js";
import { drawCrops } from "./views.js";

/** The learning rate rises over the first steps and falls to 0 along half a cosine. */
const adamW = { lr: 2e-3, weightDecay: 1e-2 };

/** The size of whole photos and of their labels. */
const labelled = { rows: 64, cols: 64, side: 64 };

/** Of a round, so that no two rounds share a key. */
export const mostEpochs = 10000;

/** What a round is trained with. */
export interface RoundOptions {
  readonly seed: number;
  readonly crop: number;
  readonly batchSize: number;
  /** Counted from 0. Each round draws other crops. */
  readonly round: number;
  /** The photos that are learned from. */
  readonly photos: Int32Array;
  /** Finds the objects for the labels. The task frees it. */
  readonly teacher: SaliencySource;
}

interface LocalizerBatch extends ObjectTargets {
  /** `[B, 3, crop, crop]` */
  readonly crops: Tensor;
}

/** Trains a network to find in crops with changed colours what a teacher finds in whole photos. */
export class LocalizerTask implements Task<LocalizerBatch> {
  readonly learners: readonly Learner<LocalizerBatch>[];
  private readonly labels: PhotoMaps;
  private readonly cells: number;

  /** The network belongs to the caller. */
  constructor(
    private readonly network: LocalizationNetwork,
    private readonly dataset: PackedDataset,
    private readonly options: RoundOptions,
  ) {
    const source = new LabelSource(options.teacher);
    this.labels = PhotoMaps.lazily({ source, dataset, view: labelled, device: "cpu" });
    this.cells = options.crop / network.backbone.levels[0].stride;
    this.learners = [
      {
        name: "network",
        optimizer: new optim.AdamW(network.namedParameters(), adamW),
        lr: ({ step, epochs, stepsPerEpoch }) => {
          const steps = epochs * stepsPerEpoch;
          const rising = Math.max(1, steps / 20);
          return Math.min(1, (step + 1) / rising) * optim.cosine(adamW.lr, steps)(step);
        },
        losses: (batch) => this.losses(batch),
      },
    ];
  }

  batches(epoch: number): readonly Int32Array[] {
    const { seed, batchSize, photos } = this.options;
    const order = epochOrder(seed, this.keyOf(epoch), photos.length).map((place) => photos[place]);
    return batches(order, batchSize);
  }

  /** The epoch in the keys of random decisions. */
  private keyOf(epoch: number): number {
    return this.options.round * mostEpochs + epoch;
  }

  see(ids: Int32Array, { epoch }: Progress, clock: StageClock): LocalizerBatch {
    const { dataset, cells } = this;
    const { seed, crop } = this.options;
    const draw = drawCrops({ seed, epoch: this.keyOf(epoch), view: 0 }, ids, dataset);
    const crops = clock.in("augmentation", () => renderView(dataset.images(ids), draw, { crop })); // [B, 3, crop, crop]
    return clock.in("saliency", () => {
      const whole = this.labels.of(ids); // [B, rows, cols]
      const labels = cropMaps(whole, draw, cells, cells); // [B, cells, cells]
      return { crops, labels, places: placeWeights(labels), photos: photoWeights(whole) };
    });
  }

  private *losses({ crops, ...targets }: LocalizerBatch): Iterable<Loss> {
    const laid = crops.contiguous({ memoryFormat: "channelsLast" }); // [B, 3, crop, crop]
    const logits = this.network.forward(withCues(laid)).squeeze(1); // [B, cells, cells]
    yield { loss: objectLoss(logits, targets), logs: () => ({ photoWeight: targets.photos.mean().item() }) };
  }

  secondsOnce(): number {
    return this.labels.secondsAsked;
  }

  state(): TaskState {
    return { tensors: this.network.stateDict(), counters: {} };
  }

  loadState({ tensors }: TaskState): void {
    this.network.loadStateDict(tensors);
  }

  dispose(): void {
    for (const { optimizer } of this.learners) optimizer.dispose();
    this.labels.dispose();
  }
}
