/** Fine-tuning as a task: labelled photos are seen in crops and mirrored, and every weight learns their classes. */
import { fromTypedArray, ops, optim, scope, type Tensor } from "@salmask/torch";
import type { StageClock } from "../../base/stage-clock.js";
import { type Compute, sent } from "../../compute/compute.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Fill } from "../../masking/fills/fill.js";
import { countEqual } from "../../metrics/knn.js";
import type { Classifier } from "../../models/classifier.js";
import type { Learner, Loss, Progress, Schedule, Task, TaskState } from "../../training/task.js";
import { drawView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import { cropsAndMirrors } from "../../views/settings.js";
import type { FinetuneConfig } from "./settings.js";

/** Labelled photos as the network sees them. */
interface LabelledBatch {
  /** `[B, 3, crop, crop]` */
  readonly pictures: Tensor;
  readonly labels: Int32Array;
}

export interface FinetuneScene {
  readonly dataset: PackedDataset;
  /** `[K]`: the photos whose labels are known. */
  readonly known: Int32Array;
  /** Side of the views in pixels. */
  readonly crop: number;
  /** Prepares photos as the encoder was trained on them. */
  readonly fill: Fill;
  readonly compute: Compute;
}

/** Steps that `epochs: auto` is to have, so that few labels are seen more often. */
const usualSteps = 1000;
const [fewestEpochs, mostEpochs] = [20, 200];

/** Passes over the labelled photos. */
export function epochsOf({ epochs }: FinetuneConfig, stepsPerEpoch: number): number {
  if (epochs !== "auto") return epochs;
  return Math.min(mostEpochs, Math.max(fewestEpochs, Math.round(usualSteps / stepsPerEpoch)));
}

/** It rises a step at a time over the warm-up, then falls along a cosine, a step at a time. */
function learningRate({ lr, lrWarmupEpochs }: FinetuneConfig): Schedule {
  return ({ step, stepsPerEpoch, epochs }) => {
    const warmUp = Math.min(lrWarmupEpochs, epochs - 1);
    const schedule = optim.warmUp(warmUp, optim.cosine(lr, epochs - warmUp));
    const isWarming = step < warmUp * stepsPerEpoch;
    return schedule((isWarming ? step + 1 : step) / stepsPerEpoch);
  };
}

export class FinetuneTask implements Task<LabelledBatch> {
  readonly learners: readonly Learner<LabelledBatch>[];
  readonly accumulate: number;

  /** Takes the network over. */
  constructor(
    readonly network: Classifier,
    private readonly scene: FinetuneScene,
    private readonly config: FinetuneConfig,
  ) {
    const { lr, momentum, weightDecay } = config;
    this.accumulate = config.accumulate;
    network.train();
    this.learners = [
      {
        name: "network",
        optimizer: new optim.SGD(network.namedParameters(), { lr, momentum, weightDecay }),
        lr: learningRate(config),
        losses: (batch) => this.losses(batch),
      },
    ];
  }

  batches(epoch: number): readonly Int32Array[] {
    const { known } = this.scene;
    const { seed, batchSize } = this.config;
    const order = epochOrder(seed, epoch, known.length).map((place) => known[place]);
    return batches(order, Math.min(batchSize, known.length));
  }

  /** Passes over the photos whose labels are known. */
  get epochs(): number {
    return epochsOf(this.config, this.batches(0).length);
  }

  see(ids: Int32Array, { epoch }: Progress, clock: StageClock): LabelledBatch {
    const { dataset, crop, fill, compute } = this.scene;
    const { seed, scale } = this.config;
    const photos = clock.in("data", () => sent(dataset.images(ids), compute.device)); // uint8 [B, 3, S, S]
    const pictures = clock.in("augmentation", () => {
      const view = { ...cropsAndMirrors, scale };
      const draw = drawView({ seed, epoch, view: 0 }, ids, dataset.originalSizes, dataset.size, view);
      return fill.prepare(renderView(photos, draw, { crop })); // [B, 3, crop, crop]
    });
    return { pictures, labels: Int32Array.from(ids, (id) => dataset.labels[id]) };
  }

  private *losses({ pictures, labels }: LabelledBatch): Iterable<Loss> {
    const logits = this.network.forward(pictures); // [B, classes]
    const target = sent(fromTypedArray(labels, [labels.length]), this.scene.compute.device);
    yield {
      loss: ops.crossEntropyLoss(logits, target.toCopy({ dtype: "int64" })),
      logs: () => ({
        accuracy: scope(() => countEqual(logits.detach().argmax({ dim: 1 }), labels) / labels.length),
      }),
    };
  }

  state(): TaskState {
    return { tensors: this.network.stateDict(), counters: {} };
  }

  loadState({ tensors }: TaskState): void {
    this.network.loadStateDict(tensors);
  }

  dispose(): void {
    for (const { optimizer } of this.learners) optimizer.dispose();
    this.network.dispose();
  }
}
