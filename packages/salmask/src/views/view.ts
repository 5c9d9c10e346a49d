import type { Tensor } from "@salmask/torch";
import type { MaskDraw } from "../masking/draw.js";
import type { Foreground } from "../masking/foreground.js";
import type { HardNegatives } from "../masking/hard-negatives.js";
import type { ViewDraw } from "./draw.js";

/** One view of each photo of a batch. Never changed after it is made. */
export interface View {
  /** float32 `[B, 3, H, W]`, with the fill `hidden` `[B, 4, H, W]`: rendered, normalised, prepared by the fill, without masks. */
  readonly clean: Tensor;
  /** The same with masked cells; `clean` itself if nothing is masked. */
  readonly masked: Tensor;
  /** The decisions of the view; maps of whole photos are cropped with them. */
  readonly draw: ViewDraw;
  /** The cells that show the object; null while there is no saliency, or if it is not needed. */
  readonly foreground: Foreground | null;
  /** The masks; null if nothing is masked. */
  readonly mask: MaskDraw | null;
  /** `[B]`: the photo of the batch that each photo's masked cells show; absent if they show none. */
  readonly partners?: Int32Array;
}

/** Identifies the random decisions of a batch, together with its photos. */
export interface BatchKey {
  readonly seed: number;
  readonly epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  readonly ids: Int32Array;
}

/** All views of a batch. */
export interface BatchViews {
  readonly key: BatchKey;
  /** In the recipe's order; views of the same kind follow each other. */
  readonly views: readonly View[];
  readonly negatives: HardNegatives | null;
}

/**
 * Of the views that are masked by cells and show their object, the share that lost more than half of its cells; null if
 * there is none. Cells that differ between channels count by their mean.
 */
export function mostlyLostShare(views: readonly View[]): number | null {
  const lost = views.flatMap(({ mask, foreground }) => {
    if (mask === null || foreground === null) return [];
    const size = foreground.cells.length / mask.windows.length;
    return mask.windows.flatMap((window, crop) => {
      const object = foreground.cells.subarray(crop * size, (crop + 1) * size);
      const total = mask.channels * object.filter((inside) => inside === 1).length;
      if (window !== null || total === 0) return [];
      const from = crop * mask.channels * size;
      const cells = mask.cells.subarray(from, from + mask.channels * size);
      return cells.filter((masked, at) => masked === 1 && object[at % size] === 1).length > total / 2;
    });
  });
  return lost.length === 0 ? null : lost.filter((most) => most).length / lost.length;
}

/** Mean replaced share of the values of masked views, without negatives; 0 if no view is masked. */
export function meanMaskedShare(views: readonly View[]): number {
  const shares = views.flatMap(({ mask }) => (mask === null ? [] : Array.from(mask.maskedShare)));
  return shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
