/** An encoder that is used on photos, and how it sees them. */
import { hashOfFile } from "../../base/files.js";
import { type Compute, onCpu, place } from "../../compute/compute.js";
import type { Fill } from "../../masking/fills/fill.js";
import type { Backbone } from "../../models/backbone.js";
import { weightsOf } from "../../runs/run-weights.js";
import { loadBackbone } from "../../weights/files.js";
import { inputOf } from "../../weights/metadata.js";

export interface OpenEncoder extends Disposable {
  readonly backbone: Backbone;
  /** Side of the square pictures that it sees, in pixels. */
  readonly crop: number;
  /** Its `prepare` was applied to every training photo. */
  readonly fill: Fill;
  /** SHA-256 of the file of weights. */
  readonly weights: string;
  readonly compute: Compute;
}

/** The encoder of a run's folder or of a safetensors file. Throws CheckpointError. */
export async function openEncoder(run: string, compute: Compute = onCpu): Promise<OpenEncoder> {
  const { path } = weightsOf(run);
  const weights = await hashOfFile(path);
  const { backbone, metadata } = loadBackbone(path);
  try {
    const { crop, fill } = inputOf(metadata);
    place(backbone, compute);
    return { backbone, crop, fill, weights, compute, [Symbol.dispose]: () => backbone.dispose() };
  } catch (error) {
    backbone.dispose();
    throw error;
  }
}
