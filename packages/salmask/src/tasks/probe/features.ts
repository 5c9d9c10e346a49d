import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import { onCpu, runLayers } from "../../compute/compute.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { Fill } from "../../masking/fills/fill.js";
import type { Backbone } from "../../models/backbone.js";
import { centralView } from "../../views/draw.js";
import { renderView } from "../../views/render.js";

/** How photos are prepared for an encoder. */
export interface FeatureOptions {
  /** Side of the encoder's square input, in pixels. */
  readonly crop: number;
  /** The fill of the encoder's training: its `prepare` filters the photos (high-pass) or returns them unchanged. */
  readonly fill: Fill;
  readonly batchSize: number;
  /** Aborting stops the work with {@link InterruptedError}. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** Share of a photo's shorter side in the central crop: 224 of 256, or the whole side for small crops. */
export function centralFraction(crop: number): number {
  return crop >= 128 ? 224 / 256 : 1;
}

/**
 * The pooled features of the photos `ids` in the central crop, in evaluation mode: `[ids, outChannels]`; the caller
 * owns them. Restores the encoder's mode.
 */
export async function extractFeatures(
  backbone: Backbone,
  dataset: PackedDataset,
  options: FeatureOptions,
  ids: Int32Array = Int32Array.from({ length: dataset.length }, (_, i) => i),
): Promise<Tensor> {
  const { batchSize, signal, onProgress = () => {} } = options;
  const wasTraining = backbone.training;
  const parts: Tensor[] = [];
  backbone.eval();
  try {
    for (let from = 0; from < ids.length; from += batchSize) {
      if (signal?.aborted === true) throw new InterruptedError("Stopped; nothing was written.");
      const part = ids.subarray(from, from + batchSize);
      parts.push(keep(featuresOf(backbone, dataset, part, options))); // [part, outChannels]
      onProgress({ done: Math.min(ids.length, from + batchSize), total: ids.length });
      // Lets signal handlers and timers run.
      await new Promise(setImmediate);
    }
    return keep(ops.cat(parts)); // [ids, outChannels]
  } finally {
    backbone.train(wasTraining);
    for (const part of parts) part.dispose();
  }
}

function featuresOf(
  backbone: Backbone,
  dataset: PackedDataset,
  ids: Int32Array,
  { crop, fill }: FeatureOptions,
): Tensor {
  return noGrad(() =>
    scope(() => {
      const fraction = centralFraction(crop);
      const draw = centralView(ids, dataset.originalSizes, dataset.size, { fraction });
      const photos = renderView(dataset.images(ids), draw, { crop }); // [B, 3, crop, crop]
      return runLayers(onCpu, fill.prepare(photos), (seen) => backbone.forward(seen)); // [B, outChannels]
    }),
  );
}
