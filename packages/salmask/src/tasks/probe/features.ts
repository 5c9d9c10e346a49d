import { keep, type nn, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import { type Compute, onCpu, received, runLayers, sent } from "../../compute/compute.js";
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
  /** Where pictures are computed; the CPU in float32 where it is not given. */
  readonly compute?: Compute;
  /** Aborting ends the work with {@link InterruptedError}. */
  readonly signal?: AbortSignal;
  /** Called after each batch, with numbers of photos. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** Share of a photo's shorter side in the central crop: 224 of 256, or the whole side for small crops. */
export function centralFraction(crop: number): number {
  return crop >= 128 ? 224 / 256 : 1;
}

/**
 * The pooled features of the photos `ids` in the central crop, in evaluation mode: `[ids, outChannels]` on the host; the
 * caller owns them. Restores the encoder's mode.
 */
export function extractFeatures(
  backbone: Backbone,
  dataset: PackedDataset,
  options: FeatureOptions,
  ids?: Int32Array,
): Promise<Tensor> {
  const { compute = onCpu } = options;
  const forward = (pictures: Tensor) => runLayers(compute, pictures, (seen) => backbone.forward(seen));
  return outputsOf(backbone, forward, dataset, options, ids);
}

/**
 * What a network makes of the photos `ids` under the central crop, in eval mode: `[ids, d]` on the host, which the caller owns. `forward`
 * takes `[B, 3, crop, crop]` to `[B, d]`. The network's mode is restored.
 */
export async function outputsOf(
  network: nn.AnyModule,
  forward: (pictures: Tensor) => Tensor,
  dataset: PackedDataset,
  options: FeatureOptions,
  ids: Int32Array = Int32Array.from({ length: dataset.length }, (_, i) => i),
): Promise<Tensor> {
  const { batchSize, signal, onProgress = () => {} } = options;
  const wasTraining = network.training;
  const parts: Tensor[] = [];
  network.eval();
  try {
    for (let from = 0; from < ids.length; from += batchSize) {
      if (signal?.aborted === true)
        throw new InterruptedError("Stopped; nothing was written. The same command starts anew.");
      const part = ids.subarray(from, from + batchSize);
      const release = await dataset.stream?.fetch(part);
      try {
        parts.push(keep(noGrad(() => scope(() => received(forward(centralCrops(dataset, part, options))))))); // [part, d]
      } finally {
        release?.();
      }
      onProgress({ done: Math.min(ids.length, from + batchSize), total: ids.length });
      // Lets signal handlers and timers run.
      await new Promise(setImmediate);
    }
    return keep(ops.cat(parts)); // [ids, d]
  } finally {
    network.train(wasTraining);
    for (const part of parts) part.dispose();
  }
}

/** `[ids, 3, crop, crop]`, as the encoder was trained to see photos. */
function centralCrops(
  dataset: PackedDataset,
  ids: Int32Array,
  { crop, fill, compute = onCpu }: FeatureOptions,
): Tensor {
  const draw = centralView(ids, dataset.originalSizes, dataset.size, { fraction: centralFraction(crop) });
  const photos = sent(dataset.images(ids), compute.device); // uint8 [ids, 3, S, S]
  return fill.prepare(renderView(photos, draw, { crop }));
}
