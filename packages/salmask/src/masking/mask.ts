/** Masks one view of a batch: from its pixels and its object to the input of an encoder. */
import { noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import { drawMasks, type MaskDraw, type MaskDrawOptions, type MaskKey } from "./draw.js";
import type { Fill } from "./fills/fill.js";
import type { Foreground } from "./foreground.js";
import type { Grid } from "./grid.js";
import { maskPixels } from "./pixels.js";

/** The options of a masking. */
export interface MaskOptions extends Omit<MaskDrawOptions, "shapes"> {
  readonly fill: Fill;
  /** `saliency`: object and background are distinguished. `random`: the control, which treats all cells the same. */
  readonly cells: "saliency" | "random";
  readonly grid: Grid;
}

/** A view with some of its cells replaced. */
export interface MaskedPixels {
  /** float32 `[B, 3, H, W]` */
  readonly pixels: Tensor;
  readonly draw: MaskDraw;
}

/**
 * One masked copy of each crop. No gradients flow through it.
 *
 * @param prepared float32 `[B, 3, H, W]`, from the fill's `prepare`
 * @param foreground of the crops; null if it is unknown
 * @param key identifies every random decision, together with each image's id, `ids` [B]
 * @throws SalmaskError `foreground-missing` if cells are chosen by saliency and there is no foreground; `grid-mismatch`
 *   if crops or foreground do not have the size of the grid
 */
export function maskCrops(
  prepared: Tensor,
  foreground: Foreground | null,
  key: MaskKey,
  options: MaskOptions,
): MaskedPixels {
  const { fill, grid, cells, ...amount } = options;
  return noGrad(() =>
    scope(() => {
      checkSize(prepared, grid);
      const object = objectCells(foreground, key.ids.length, { cells, grid });
      const draw = drawMasks(object, key, grid, { ...amount, shapes: fill.shapes });
      const mask = maskPixels(draw, grid, prepared.device); // [B, 1 or 3, H, W]
      const pixels = ops.where(mask, fill.replacement(prepared, { role: amount.role, key }), prepared); // [B, 3, H, W]
      return { pixels, draw };
    }),
  );
}

/** The cells that count as the object for a mask, `[B * rows * cols]`: the foreground, or for the control all cells. */
function objectCells(
  foreground: Foreground | null,
  batch: number,
  { cells, grid }: Pick<MaskOptions, "cells" | "grid">,
): Uint8Array {
  const length = batch * grid.rows * grid.cols;
  if (cells === "random") return new Uint8Array(length).fill(1);
  if (foreground === null) {
    throw new SalmaskError(
      "foreground-missing",
      'Expected the foreground of every crop that is masked by it, got none. Set mask.cells to "random" to do without.',
    );
  }
  if (foreground.cells.length !== length) {
    throw new SalmaskError(
      "grid-mismatch",
      `Expected the foreground of ${batch} crops of ${grid.rows} x ${grid.cols} cells, ${length} in all, ` +
        `got ${foreground.cells.length}.`,
    );
  }
  return foreground.cells;
}

function checkSize(crops: Tensor, { rows, cols, cell }: Grid): void {
  const [, , height, width] = crops.shape;
  if (height === rows * cell && width === cols * cell) return;
  throw new SalmaskError(
    "grid-mismatch",
    `Expected crops of ${rows * cell} x ${cols * cell} pixels for the grid, got ${height} x ${width}.`,
  );
}
