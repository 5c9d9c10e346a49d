/**
 * The metadata of a weights file: how the encoder's training photos were prepared, so that others can prepare theirs
 * equally.
 */
import { CheckpointError } from "../base/errors.js";
import { shown } from "../base/faults.js";
import type { Fill } from "../masking/fills/fill.js";
import { fillOf } from "../masking/fills/registry.js";
import { type MaskSettings, maskSettings } from "../masking/settings.js";

/** For files without metadata, such as those from other tools. */
const usualCrop = 224;
/** As in the settings, with room for what other tools write. */
const mostCrop = 4096;

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

/** How pictures have to look for an encoder. */
export interface WeightsInput {
  /** Side of the encoder's views in pixels. */
  readonly crop: number;
  /** Cells per side in which training's crops were masked; without it, one per position of the network's last feature maps. */
  readonly cells?: number;
  /** Its `prepare` was applied to every training photo. */
  readonly fill: Fill;
}

/** The mask's settings in a file's metadata. Throws {@link CheckpointError} `unusable-weights` where they are none. */
function maskIn(mask: string | undefined): MaskSettings {
  try {
    return maskSettings.parse(mask === undefined ? { fill: "none" } : JSON.parse(mask));
  } catch (error) {
    throw new CheckpointError(
      "unusable-weights",
      `Expected the settings of a mask in the metadata of the weights, got ${shown(mask)}.`,
      error,
    );
  }
}

function cropIn(crop: string | undefined): number {
  const side = crop === undefined ? usualCrop : Number(crop);
  if (Number.isInteger(side) && side > 0 && side <= mostCrop) return side;
  throw new CheckpointError(
    "unusable-weights",
    `Expected the side of a crop from 1 to ${mostCrop} in the metadata of the weights, got ${shown(crop)}.`,
  );
}

/** The filter that the encoder of a weights file saw photos through; null where it saw them as they are. */
export function highPassOf({
  mask,
}: Readonly<Record<string, string>>): Pick<MaskSettings["highPass"], "kernel" | "sigma"> | null {
  const { fill, highPass } = maskIn(mask);
  return fill === "high-pass" ? { kernel: highPass.kernel, sigma: highPass.sigma } : null;
}

/**
 * How pictures have to look for the encoder of a weights file. Throws {@link CheckpointError} `unusable-weights` where its
 * metadata do not say it.
 */
export function inputOf({ crop, mask }: Readonly<Record<string, string>>): WeightsInput {
  const settings = maskIn(mask);
  return { crop: cropIn(crop), cells: settings.grid, fill: fillOf(settings) };
}
