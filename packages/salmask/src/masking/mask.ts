/** Masks one view of a batch: from its pixels and its object to what an encoder sees. */
import { noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import { drawMasks, type MaskDraw, type MaskDrawOptions, type MaskKey } from "./draw.js";
import type { Fill } from "./fills/fill.js";
import type { Foreground } from "./foreground.js";
import type { Grid } from "./grid.js";
import { maskPixels } from "./pixels.js";

/** What one masking needs to know beside the pixels. */
export interface MaskOptions extends Omit<MaskDrawOptions, "shapes"> {
  readonly fill: Fill;
  /** `saliency`: object and background are told apart. `random`: the control, for which all cells are alike. */
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
 * One masked copy of each crop. Gradients do not flow through.
 *
 * @param prepared float32 `[B, 3, H, W]`, from the fill's `prepare`
 * @param foreground of the crops; null where nothing says so
 * @param key names every random decision, with each image's id, `ids` [B]
 * @throws SalmaskError `foreground-missing` where cells go by saliency and there is no foreground; `grid-mismatch` where
 *   crops or foreground are not of the grid's size
 */
export function maskCrops(
  prepared: Tensor,
  foreground: Foreground | null,
  key: MaskKey,
  options: MaskOptions,
): MaskedPixels {
  const { fill, grid, role, ratio, foregroundShare } = options;
  return noGrad(() =>
    scope(() => {
      checkSize(prepared, grid);
      const cells = objectCells(foreground, key.ids.length, options);
      const draw = drawMasks(cells, key, grid, { role, ratio, foregroundShare, shapes: fill.shapes });
      const mask = maskPixels(draw, grid, prepared.device); // [B, 1 or 3, H, W]
      const pixels = ops.where(mask, fill.replacement(prepared, { role, key }), prepared); // [B, 3, H, W]
      return { pixels, draw };
    }),
  );
}

/** The cells that a mask goes by, `[B * rows * cols]`: the object's, or, for the control, all alike. */
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
