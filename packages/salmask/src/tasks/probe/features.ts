import { noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { onCpu, runLayers } from "../../compute/compute.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Fill } from "../../masking/fills/fill.js";
import type { ResNet } from "../../models/resnet.js";
import { centralView, renderView } from "../../views/index.js";

export interface FeatureOptions {
  /** Side of the square that the encoder sees, in pixels. */
  crop: number;
  /** What the encoder was trained on: its `prepare` filters the photos (high-pass) or hands them on. */
  fill: Fill;
  batchSize: number;
}

/** Share of a photo's shorter side that evaluation crops: 224 of 256, and all of a photo that is small already. */
export function centralFraction(crop: number): number {
  return crop >= 128 ? 224 / 256 : 1;
}

/**
 * The pooled features of every photo under the central crop, in eval mode: `[N, outChannels]`, which the caller
 * owns. The encoder's mode is put back.
 */
export function extractFeatures(backbone: ResNet, dataset: PackedDataset, options: FeatureOptions): Tensor {
  const { crop, fill, batchSize } = options;
  const wasTraining = backbone.training;
  backbone.eval();
  try {
    return scope(() =>
      noGrad(() => {
        const parts: Tensor[] = [];
        for (let from = 0; from < dataset.length; from += batchSize) {
          const ids = Int32Array.from(
            { length: Math.min(batchSize, dataset.length - from) },
            (_, i) => from + i,
          );
          parts.push(
            scope(() => {
              const fraction = centralFraction(crop);
              const draw = centralView(ids, dataset.originalSizes, dataset.size, { fraction });
              const photos = renderView(dataset.images(ids), draw, { crop }); // [B, 3, crop, crop]
              return runLayers(onCpu, fill.prepare(photos), (seen) => backbone.forward(seen)); // [B, outChannels]
            }),
          );
        }
        return ops.cat(parts); // [N, outChannels]
      }),
    );
  } finally {
    backbone.train(wasTraining);
  }
}
