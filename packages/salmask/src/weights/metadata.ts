/** What a weights file says of the photos that its encoder was trained on, so that others can prepare theirs alike. */
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";
import { type MaskSettings, maskSettings } from "../masking/settings.js";

/** Of a file that says nothing, as those from elsewhere do. */
const usualCrop = 224;

/** The settings that an encoder's pictures depend on. */
export interface SeenAs {
  readonly data: { readonly crop: number };
  readonly mask: MaskSettings;
  readonly method: { readonly name: string };
}

/** What goes into the file, beside the tensors. */
export function weightsMetadata({ data, mask, method }: SeenAs): Record<string, string> {
  return { crop: String(data.crop), mask: JSON.stringify(mask), method: method.name };
}

/** Of a network that was trained to point at objects in crops of `crop` pixels. */
export function localizerMetadata(crop: number): Record<string, string> {
  return { crop: String(crop), task: "localization" };
}

export interface WeightsInput {
  /** Side of the encoder's views in pixels. */
  readonly crop: number;
  /** Its `prepare` is what the encoder saw of every photo. */
  readonly fill: Fill;
  /** Whether the network was trained to point at objects, and sees pictures of `crop` pixels alone. */
  readonly localizes: boolean;
}

/** How pictures have to look for the encoder of a weights file. */
export function inputOf({ crop, mask, task }: Readonly<Record<string, string>>): WeightsInput {
  return {
    crop: crop === undefined ? usualCrop : Number(crop),
    fill: fillOf(maskSettings.parse(mask === undefined ? { fill: "none" } : JSON.parse(mask))),
    localizes: task === "localization",
  };
}
