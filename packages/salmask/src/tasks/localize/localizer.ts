/** Training of a small network that finds objects, without labels: `salmask saliency train`. */
import { availableParallelism } from "node:os";
import {
  Generator,
  KeyedRandom,
  keep,
  optim,
  scope,
  setNumThreads,
  type Tensor,
  tensor,
} from "@salmask/torch";
import { InterruptedError, TrainingError, type UsageError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import { openDataset, type PackedDataset } from "../../data/store/dataset.js";
import { gridFor } from "../../masking/grid.js";
import { type ResNet, resnet, strideOf } from "../../models/resnet.js";
import { MinimumBarrierSource } from "../../saliency/minimum-barrier.js";
import { mapPhotos } from "../../saliency/photo-maps.js";
import { cropMaps, drawView, MOCO_V2_VIEW, renderView } from "../../views/index.js";
import { saveBackbone } from "../../weights/files.js";
import { localizerMetadata } from "../../weights/metadata.js";
import { correlationLoss } from "./correlation-loss.js";
import { localizerDefaults } from "./settings.js";

export interface LocalizerOptions {
  /** Folder, `.tar` or `.tar.gz` of photos. */
  photos: string;
  /** The safetensors to write. */
  out: string;
  seed?: number;
  epochs?: number;
  /** Side of the crops in pixels, a multiple of 8; the network looks at photos of that size later. */
  crop?: number;
  /** Channels of the ResNet-18's first stage. */
  width?: number;
  batchSize?: number;
  /** All cores where it is not given. */
  threads?: number;
  signal?: AbortSignal;
  /** Lines for people. */
  report?: (line: string) => void;
}

export interface LocalizerSummary {
  weights: string;
  photos: string;
  images: number;
  epochs: number;
  seed: number;
  /** Mean of the last epoch: one less the correlation with the teacher. */
  loss: number;
  seconds: number;
}

const adamW = { lr: 2e-3, weightDecay: 1e-2 };

/** Large crops, since the network is asked about whole photos, or about crops of them. */
const view = { ...MOCO_V2_VIEW, scale: [0.4, 1], blurProbability: 0.2 } as const;

/** Cells of a whole photo's target along a side. */
const targetSide = 32;

/**
 * Teaches a ResNet that the sum of its last feature maps is where the object is. The teacher is saliency that needs no
 * network, seen on the photo as it is; the network sees crops of changed colours, so that what it can learn is what
 * objects look like. Writes a weights file for SCDA. Throws {@link UsageError} where the crop is not of whole cells or the
 * photos do not fill a batch, {@link TrainingError} `loss-not-finite`, {@link InterruptedError}; nothing is written then.
 */
export async function trainLocalizer(options: LocalizerOptions): Promise<LocalizerSummary> {
  const { photos, out, signal, report = () => {} } = options;
  const { seed, epochs, crop, width, batchSize } = { ...localizerDefaults, ...options };
  const { rows: cells } = gridFor(crop, strideOf("small"));
  const started = performance.now();
  setNumThreads(options.threads ?? availableParallelism());
  const dataset = await openDataset(photos, {
    ...{ size: "auto", crop },
    onProgress: ({ done }) => done % 1000 === 0 && report(`decoded ${done} photos`),
  });
  const grid = { rows: targetSide, cols: targetSide };
  report("asking the teacher about each photo");
  const targets = keep(mapPhotos(new MinimumBarrierSource(), dataset, { ...grid, side: 128 })); // [N, 32, 32]
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  const network = resnet({ depth: 18, stem: "small", width, generator });
  const optimizer = new optim.AdamW(network.namedParameters(), adamW);
  try {
    let loss = Number.NaN;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const steps = batches(epochOrder(seed, epoch, dataset.length), batchSize);
      let sum = 0;
      for (const [i, ids] of steps.entries()) {
        optimizer.lr = optim.cosine(adamW.lr, epochs * steps.length)(epoch * steps.length + i);
        sum += learn({ dataset, targets, network, optimizer }, ids, { seed, epoch, crop, cells });
        if ((i + 1) % 20 === 0)
          report(
            `epoch ${epoch + 1}/${epochs}  step ${i + 1}/${steps.length}  loss ${(sum / (i + 1)).toFixed(4)}`,
          );
        await new Promise(setImmediate);
        if (signal?.aborted === true)
          throw new InterruptedError(
            "Stopped before the end; nothing was written. It takes minutes: start again.",
          );
      }
      loss = sum / steps.length;
    }
    saveBackbone(out, network, localizerMetadata(crop));
    const seconds = (performance.now() - started) / 1000;
    return { weights: out, photos, images: dataset.length, epochs, seed, loss, seconds };
  } finally {
    optimizer.dispose();
    network.dispose();
    targets.dispose();
    dataset.close();
  }
}

interface Parts {
  dataset: PackedDataset;
  /** `[N, rows, cols]` */
  targets: Tensor;
  network: ResNet;
  optimizer: optim.Optimizer;
}

interface LearnKey {
  seed: number;
  epoch: number;
  /** Side of a crop in pixels, and in cells. */
  crop: number;
  cells: number;
}

/** One step on the photos `ids` [B]. Returns the loss. */
function learn(parts: Parts, ids: Int32Array, key: LearnKey): number {
  const { dataset, targets, network, optimizer } = parts;
  const { crop, cells, ...place } = key;
  return scope(() => {
    const draw = drawView({ ...place, view: 0 }, ids, dataset.originalSizes, dataset.size, view);
    const crops = renderView(dataset.images(ids), draw, { crop }); // [B, 3, crop, crop]
    const wanted = cropMaps(targets.indexSelect(0, tensor(ids)), draw, cells, cells); // [B, rows, cols]
    const maps = network.features(crops).sum([1]); // [B, rows, cols]
    const loss = correlationLoss(maps, wanted); // []
    const value = loss.item();
    if (!Number.isFinite(value)) {
      throw new TrainingError(
        "loss-not-finite",
        `The loss of epoch ${place.epoch} is ${value}; nothing was written.`,
      );
    }
    loss.backward();
    optimizer.step();
    optimizer.zeroGrad();
    return value;
  });
}
