/** What a weights file says of the photos that its encoder was trained on, so that others can prepare theirs alike. */
import { configSchema, type RunConfig } from "../config/schema.js";
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";

/** What goes into the file, beside the tensors. */
export function weightsMetadata(config: RunConfig): Record<string, string> {
  return { crop: String(config.data.crop), mask: JSON.stringify(config.mask), method: config.method.name };
}

/** Of a network that was trained to point at objects in crops of `crop` pixels. */
export function localizerMetadata(crop: number): Record<string, string> {
  return { crop: String(crop), task: "localization" };
}

export interface WeightsInput {
  /** Side of the encoder's views in pixels; 224 where the file says nothing, as weights from elsewhere do. */
  crop: number;
  /** Its `prepare` is what the encoder saw of every photo. */
  fill: Fill;
  /** Whether the network was trained to point at objects, and sees pictures of `crop` pixels alone. */
  localizes: boolean;
}

export function inputOf(metadata: Readonly<Record<string, string>>): WeightsInput {
  const { data, mask } = configSchema.parse({
    data: metadata.crop === undefined ? {} : { crop: Number(metadata.crop) },
    mask: metadata.mask === undefined ? { fill: "none" } : JSON.parse(metadata.mask),
  });
  return { crop: data.crop, fill: fillOf(mask), localizes: metadata.task === "localization" };
}
