/** Trains a small network that finds objects, without labels: `salmask saliency train`. */
import { availableParallelism } from "node:os";
import { Generator, KeyedRandom, optim, setNumThreads, type Tensor } from "@salmask/torch";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import type { StageClock } from "../../base/stage-clock.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { openPhotos } from "../../data/store/open-photos.js";
import { gridFor } from "../../masking/grid.js";
import type { Backbone, BackboneSpec } from "../../models/backbone.js";
import { createBackbone, strideOf } from "../../models/registry.js";
import { MinimumBarrierSource } from "../../saliency/minimum-barrier.js";
import { PhotoMaps } from "../../saliency/photo-maps.js";
import type { Learner, Loss, Progress, Task, TaskState } from "../../training/task.js";
import { train } from "../../training/trainer.js";
import { cropMaps } from "../../views/crop-maps.js";
import { drawView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import { MOCO_V2_VIEW, type ViewOptions } from "../../views/settings.js";
import { saveBackbone } from "../../weights/files.js";
import { localizerMetadata } from "../../weights/metadata.js";
import { correlationLoss } from "./correlation-loss.js";
import { localizerDefaults } from "./settings.js";

/** What {@link trainLocalizer} learns from, and where it writes. */
export interface LocalizerOptions {
  /** Folder, `.tar` or `.tar.gz` of photos. */
  readonly photos: string;
  /** Path of the safetensors file to write. */
  readonly out: string;
  readonly seed?: number;
  readonly epochs?: number;
  /** Side of the crops in pixels, a multiple of 8; later the network's input is resized to it. */
  readonly crop?: number;
  /** Channels of the ResNet-18's first stage. */
  readonly width?: number;
  readonly batchSize?: number;
  /** Default: all cores. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** How the training of a network that finds objects ended. */
export interface LocalizerSummary {
  weights: string;
  photos: string;
  images: number;
  epochs: number;
  seed: number;
  /** Loss of the last step: one minus the correlation with the teacher. */
  loss: number;
  seconds: number;
}

type LocalizerSettings = typeof localizerDefaults;

const adamW = { lr: 2e-3, weightDecay: 1e-2 };

/** Large crops, because the network is used on whole photos or on crops of them. */
const view: ViewOptions = { ...MOCO_V2_VIEW, scale: [0.4, 1], blurProbability: 0.2 };

/** The size of whole photos and their maps for the teacher. */
const teachers = { rows: 32, cols: 32, side: 128 };

/** Steps between logged steps. */
const logEvery = 20;

interface LocalizerBatch {
  /** `[B, 3, crop, crop]` */
  readonly crops: Tensor;
  /** `[B, rows, cols]`: the teacher's maps of these crops. */
  readonly targets: Tensor;
}

/** Trains a network so that the sum of its last feature maps shows the object. */
class LocalizerTask implements Task<LocalizerBatch> {
  readonly network: Backbone;
  readonly learners: readonly Learner<LocalizerBatch>[];
  private readonly maps: PhotoMaps;

  constructor(
    private readonly dataset: PackedDataset,
    private readonly settings: LocalizerSettings,
  ) {
    const { seed } = settings;
    const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
    this.network = createBackbone(specOf(settings), generator);
    const source = new MinimumBarrierSource();
    this.maps = PhotoMaps.lazily({ source, dataset, view: teachers, device: "cpu" });
    this.learners = [
      {
        name: "network",
        optimizer: new optim.AdamW(this.network.namedParameters(), adamW),
        lr: ({ step, epochs, stepsPerEpoch }) => optim.cosine(adamW.lr, epochs * stepsPerEpoch)(step),
        losses: (batch) => this.losses(batch),
      },
    ];
  }

  batches(epoch: number): readonly Int32Array[] {
    const { seed, batchSize } = this.settings;
    return batches(epochOrder(seed, epoch, this.dataset.length), batchSize);
  }

  see(ids: Int32Array, { epoch }: Progress, clock: StageClock): LocalizerBatch {
    const { dataset } = this;
    const { seed, crop } = this.settings;
    const cells = crop / strideOf(specOf(this.settings));
    const draw = drawView({ seed, epoch, view: 0 }, ids, dataset.originalSizes, dataset.size, view);
    return {
      crops: clock.in("augmentation", () => renderView(dataset.images(ids), draw, { crop })), // [B, 3, crop, crop]
      targets: clock.in("saliency", () => cropMaps(this.maps.of(ids), draw, cells, cells)), // [B, rows, cols]
    };
  }

  private *losses({ crops, targets }: LocalizerBatch): Iterable<Loss> {
    const maps = this.network.features(crops).sum([1]); // [B, rows, cols]
    yield { loss: correlationLoss(maps, targets), logs: () => ({}) };
  }

  secondsOnce(): number {
    return this.maps.secondsAsked;
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
    this.maps.dispose();
  }
}

const specOf = ({ width }: Pick<LocalizerSettings, "width">): BackboneSpec => ({
  arch: "resnet18",
  stem: "small",
  width,
});

/**
 * The teacher is a saliency method without a network. It gets the original photo, while the network gets crops with
 * changed colours; so the network must learn the appearance of objects. Writes a weights file for SCDA. Throws
 * UsageError if the crop does not consist of whole cells or if the photos do not fill a batch, TrainingError
 * `loss-not-finite`, InterruptedError; in these cases nothing is written.
 */
export async function trainLocalizer(options: LocalizerOptions): Promise<LocalizerSummary> {
  const { photos, out, signal, report = silent } = options;
  const { seed, epochs, crop, width, batchSize } = { ...localizerDefaults, ...options };
  gridFor(crop, strideOf(specOf({ width })));
  const started = performance.now();
  setNumThreads(options.threads ?? availableParallelism());
  const dataset = await openPhotos(photos, { crop, signal, report });
  const task = new LocalizerTask(dataset, { seed, epochs, crop, width, batchSize });
  try {
    const { last } = await train(task, { epochs, logEvery, signal, report });
    saveBackbone(out, task.network, localizerMetadata(crop));
    const seconds = (performance.now() - started) / 1000;
    const loss = last?.loss ?? Number.NaN;
    return { weights: out, photos, images: dataset.length, epochs, seed, loss, seconds };
  } finally {
    task.dispose();
    dataset.close();
  }
}
