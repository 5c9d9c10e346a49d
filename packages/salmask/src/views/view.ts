import type { Tensor } from "@salmask/torch";
import type { MaskDraw } from "../masking/draw.js";
import type { Foreground } from "../masking/foreground.js";
import type { HardNegatives } from "../masking/hard-negatives.js";
import type { ViewDraw } from "./draw.js";

/** One view of each photo of a batch. It is made once and passed on whole. */
export interface View {
  /** float32 `[B, 3, H, W]`: rendered, normalised, prepared as the fill asks, nothing masked. */
  readonly clean: Tensor;
  /** float32 `[B, 3, H, W]`: the same with cells masked; `clean` itself where nothing is. */
  readonly masked: Tensor;
  /** How it was drawn; maps of whole photos are cut by it. */
  readonly draw: ViewDraw;
  /** Which cells show the object; null while nothing says so, or nobody asks. */
  readonly foreground: Foreground | null;
  /** The masks; null where nothing is masked. */
  readonly mask: MaskDraw | null;
}

/** Names the random decisions of a batch, together with its photos. */
export interface BatchKey {
  readonly seed: number;
  readonly epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  readonly ids: Int32Array;
}

/** All that a recipe shows of a batch. */
export interface BatchViews {
  readonly key: BatchKey;
  /** In the recipe's order, a kind's views after each other. */
  readonly views: readonly View[];
  readonly negatives: HardNegatives | null;
}

/** Mean share of the values of the masked views, not the negatives, that is replaced; 0 where none is masked. */
export function meanMaskedShare(views: readonly View[]): number {
  const shares = views.flatMap(({ mask }) => (mask === null ? [] : Array.from(mask.maskedShare)));
  return shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
