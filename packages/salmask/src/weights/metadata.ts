/**
 * The metadata of a weights file: how the encoder's training photos were prepared, so that others can prepare theirs
 * equally.
 */
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";
import { type MaskSettings, maskSettings } from "../masking/settings.js";

/** For files without metadata, such as those from other tools. */
const usualCrop = 224;

/** The settings that define an encoder's input. */
export interface SeenAs {
  readonly data: { readonly crop: number };
  readonly mask: MaskSettings;
  readonly method: { readonly name: string };
}

/** The metadata of the file. */
export function weightsMetadata({ data, mask, method }: SeenAs): Record<string, string> {
  return { crop: String(data.crop), mask: JSON.stringify(mask), method: method.name };
}

/** The metadata of a network that was trained to find objects in crops of `crop` pixels. */
export function localizerMetadata(crop: number): Record<string, string> {
  return { crop: String(crop), task: "localization" };
}

export interface WeightsInput {
  /** Side of the encoder's views in pixels. */
  readonly crop: number;
  /** Its `prepare` was applied to every training photo. */
  readonly fill: Fill;
  /** Whether the network was trained to find objects; its input must be resized to `crop` pixels. */
  readonly localizes: boolean;
}

/** The filter that the encoder of a weights file saw photos through; null where it saw them as they are. */
export function highPassOf({
  mask,
}: Readonly<Record<string, string>>): Pick<MaskSettings["highPass"], "kernel" | "sigma"> | null {
  const { fill, highPass } = maskSettings.parse(mask === undefined ? { fill: "none" } : JSON.parse(mask));
  return fill === "high-pass" ? { kernel: highPass.kernel, sigma: highPass.sigma } : null;
}

/** How pictures have to look for the encoder of a weights file. */
export function inputOf({ crop, mask, task }: Readonly<Record<string, string>>): WeightsInput {
  return {
    crop: crop === undefined ? usualCrop : Number(crop),
    fill: fillOf(maskSettings.parse(mask === undefined ? { fill: "none" } : JSON.parse(mask))),
    localizes: task === "localization",
  };
}
