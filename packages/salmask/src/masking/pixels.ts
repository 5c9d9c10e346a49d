import { fromTypedArray, type Tensor } from "@salmask/torch";
import type { MaskDraw } from "./draw.js";
import type { Grid } from "./grid.js";

/** The drawn masks as pixels: bool `[B, 1 or 3, H, W]`, true for values to replace. */
export function maskPixels(draw: MaskDraw, grid: Grid, device: string): Tensor {
  const batch = draw.windows.length;
  const { rows: gridRows, cols: gridCols, cell } = grid;
  const [height, width] = [gridRows * cell, gridCols * cell];
  const bools = (data: Uint8Array, shape: number[]) => fromTypedArray(data, shape, { dtype: "bool", device });
  const spread = bools(draw.cells, [batch, draw.channels, gridRows, 1, gridCols, 1])
    .expand([batch, draw.channels, gridRows, cell, gridCols, cell])
    .reshape([batch, draw.channels, height, width]); // [B, C, H, W]
  if (draw.windows.every((window) => window === null)) return spread;

  const rows = new Uint8Array(batch * height);
  const cols = new Uint8Array(batch * width);
  const focal = new Uint8Array(batch);
  for (const [i, window] of draw.windows.entries()) {
    if (window === null) continue;
    focal[i] = 1;
    rows.fill(1, i * height + window.top, i * height + window.top + window.height);
    cols.fill(1, i * width + window.left, i * width + window.left + window.width);
  }
  const inside = bools(rows, [batch, 1, height, 1]).logicalAnd(bools(cols, [batch, 1, 1, width])); // [B, 1, H, W]
  const masked = draw.role === "positive" ? inside.logicalNot() : inside; // [B, 1, H, W]
  return spread.logicalOr(masked.logicalAnd(bools(focal, [batch, 1, 1, 1]))); // [B, C, H, W]
}
