import type { Tensor } from "@salmask/torch";
import type { MaskRole } from "../cells.js";
import type { MaskKey, MaskShapes } from "../draw.js";

/** The pixels of a masked view depend only on this and on the view itself. */
export interface FillContext {
  readonly role: MaskRole;
  readonly key: MaskKey;
}

/**
 * How masked pixels look, and how the encoder's input is prepared. To add a fill, write a file in this folder that
 * makes a `Fill`, and add it to `registry.ts`.
 */
export interface Fill {
  readonly name: string;
  /** The shapes of masks for this fill. */
  readonly shapes: MaskShapes;
  /**
   * `[B]`: the photo of the batch whose pixels replace those of each photo, by its place in the batch. Only fills that
   * take pixels of other photos have it.
   */
  readonly partners?: (key: MaskKey) => Int32Array;
  /**
   * The input of the encoder for every view, masked or not, in training and in evaluation.
   *
   * @param crops float32 `[B, 3, H, W]`, normalised
   * @returns float32 `[B, 3, H, W]`, or `[B, 4, H, W]` with a plane that is not 0 where pixels are hidden
   */
  prepare(crops: Tensor): Tensor;
  /**
   * The values that replace masked pixels.
   *
   * @param prepared float32 `[B, 3 or 4, H, W]`, from `prepare`
   * @returns float32 that broadcasts to the same shape
   */
  replacement(prepared: Tensor, context: FillContext): Tensor;
}

/** Whole cells, the same in all three channels. */
export const cellsOnly: MaskShapes = { focal: 0, channelwise: 0 };
