import type { Tensor } from "@salmask/torch";
import type { MaskRole } from "../cells.js";
import type { MaskKey, MaskShapes } from "../draw.js";

/** What the pixels of one masked view may depend on beside the view itself. */
export interface FillContext {
  readonly role: MaskRole;
  readonly key: MaskKey;
}

/**
 * How masked pixels look, and what the encoder sees of the others. To add one, write a file beside this one that
 * makes a `Fill`, and name it in `registry.ts`.
 */
export interface Fill {
  readonly name: string;
  /** Which masks this fill is used with. */
  readonly shapes: MaskShapes;
  /**
   * What the encoder sees of every view, masked or not, in training and in evaluation.
   *
   * @param crops float32 `[B, 3, H, W]`, normalised
   * @returns float32 `[B, 3, H, W]`
   */
  prepare(crops: Tensor): Tensor;
  /**
   * What stands in the place of masked pixels.
   *
   * @param prepared float32 `[B, 3, H, W]`, from `prepare`
   * @returns float32 that broadcasts to `[B, 3, H, W]`
   */
  replacement(prepared: Tensor, context: FillContext): Tensor;
}

/** Whole cells, the same in all three channels. */
export const cellsOnly: MaskShapes = { focal: 0, channelwise: 0 };
