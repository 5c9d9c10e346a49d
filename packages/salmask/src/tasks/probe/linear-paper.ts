/** The paper's linear probe: a linear layer on the frozen encoder, trained with SGD on augmented photos. */
import {
  fromTypedArray,
  Generator,
  KeyedRandom,
  nn,
  noGrad,
  ops,
  optim,
  scope,
  type Tensor,
} from "@salmask/torch";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import type { StageClock } from "../../base/stage-clock.js";
import { onCpu, runLayers } from "../../compute/compute.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { type ClassificationScores, classificationScores } from "../../metrics/classification.js";
import type { Backbone } from "../../models/backbone.js";
import type { Learner, Loss, Progress, Task, TaskState } from "../../training/task.js";
import { train as trainTask } from "../../training/trainer.js";
import { drawView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import { cropsAndMirrors } from "../../views/settings.js";
import { extractFeatures, type FeatureOptions } from "./features.js";

export interface PaperLinearOptions extends FeatureOptions {
  /** The training photos whose labels are known. */
  readonly known: Int32Array;
  readonly seed: number;
  readonly lr: number;
  readonly epochs: number;
  /** Epochs at which the learning rate is divided by ten. */
  readonly milestones: readonly number[];
  readonly momentum: number;
}

/** The protocol of MoCo, which the paper uses (released code, `main_lincls.py`). */
export const paperLinearDefaults: Pick<
  PaperLinearOptions,
  "lr" | "epochs" | "milestones" | "momentum" | "batchSize"
> = { lr: 30, epochs: 100, milestones: [60, 80], momentum: 0.9, batchSize: 256 };

/** What the classifier is to tell apart. */
interface ProbeBatch {
  /** `[B, outChannels]` */
  readonly features: Tensor;
  /** int64 `[B]` */
  readonly target: Tensor;
}

class LinearProbeTask implements Task<ProbeBatch> {
  readonly classifier: nn.Linear;
  readonly learners: readonly Learner<ProbeBatch>[];

  constructor(
    private readonly backbone: Backbone,
    private readonly photos: PackedDataset,
    private readonly options: PaperLinearOptions,
  ) {
    const { seed, lr, momentum, milestones } = options;
    const generator = new Generator(new KeyedRandom(seed, purpose.probe).uint32());
    this.classifier = noGrad(() => new nn.Linear(backbone.outChannels, photos.classes.length, { generator }));
    noGrad(() => {
      this.classifier.weight.normal_({ std: 0.01, generator });
      this.classifier.bias?.zero_();
    });
    const schedule = optim.multiStep(lr, milestones);
    this.learners = [
      {
        name: "classifier",
        optimizer: new optim.SGD(this.classifier.namedParameters(), { lr, momentum }),
        lr: ({ epoch }) => schedule(epoch),
        losses: (batch) => this.losses(batch),
      },
    ];
  }

  batches(epoch: number): readonly Int32Array[] {
    const { seed, batchSize, known } = this.options;
    const order = epochOrder(seed, epoch, known.length).map((place) => known[place]);
    return batches(order, Math.min(batchSize, known.length));
  }

  see(ids: Int32Array, { epoch }: Progress, clock: StageClock): ProbeBatch {
    const { photos, backbone } = this;
    const { seed, crop, fill } = this.options;
    const views = clock.in("augmentation", () => {
      const draw = drawView(
        { seed, epoch, view: 0 },
        ids,
        photos.originalSizes,
        photos.size,
        cropsAndMirrors,
      );
      return renderView(photos.images(ids), draw, { crop }); // [B, 3, crop, crop]
    });
    const features = clock.in("forward", () =>
      noGrad(() => runLayers(onCpu, fill.prepare(views), (seen) => backbone.forward(seen))),
    ); // [B, outChannels]
    const labels = Int32Array.from(ids, (id) => photos.labels[id]);
    return { features, target: fromTypedArray(labels, [ids.length]).toCopy({ dtype: "int64" }) };
  }

  private *losses({ features, target }: ProbeBatch): Iterable<Loss> {
    yield { loss: ops.crossEntropyLoss(this.classifier.forward(features), target), logs: () => ({}) };
  }

  state(): TaskState {
    return { tensors: this.classifier.stateDict(), counters: {} };
  }

  loadState({ tensors }: TaskState): void {
    this.classifier.loadStateDict(tensors);
  }

  dispose(): void {
    for (const { optimizer } of this.learners) optimizer.dispose();
    this.classifier.dispose();
  }
}

/**
 * Trains the classifier on the frozen encoder's features and scores it on central crops after the last epoch (not the
 * best one). Photos are filtered if the encoder was trained on filtered photos. Returns the share of correctly
 * classified test photos, 0 to 1. Throws InterruptedError.
 */
export async function paperLinear(
  backbone: Backbone,
  train: PackedDataset,
  test: PackedDataset,
  options: PaperLinearOptions,
  report: Report = silent,
): Promise<ClassificationScores> {
  const task = new LinearProbeTask(backbone, train, options);
  backbone.eval();
  try {
    const { epochs, signal } = options;
    await trainTask(task, { epochs, logEvery: task.batches(0).length, signal, report });
    const features = await extractFeatures(backbone, test, options); // [M, outChannels]
    try {
      return scope(() => {
        const logits = noGrad(() => task.classifier.forward(features)); // [M, classes]
        return classificationScores(logits, test.labels);
      });
    } finally {
      features.dispose();
    }
  } finally {
    task.dispose();
  }
}
