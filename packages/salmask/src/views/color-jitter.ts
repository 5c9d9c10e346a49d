/**
 * torchvision's `ColorJitter` on float images in [0, 1]: brightness, contrast, saturation and hue, with a separate order and separate
 * factors for each image.
 */
import { fromTypedArray, ops, scope, type Tensor } from "@salmask/torch";
import { rowsWhere } from "../image/rows.js";
import { colorJitterByOperators } from "./color-jitter-by-operators.js";
import { JITTER_OPERATIONS, type JitterDraw } from "./draw.js";

/**
 * Jitters the colours of the images for which it was drawn, in place.
 *
 * @param images float32 [B, 3, H, W] in [0, 1], without gaps.
 */
export function colorJitter(images: Tensor, draw: JitterDraw): void {
  const rows = rowsWhere(draw.count, (row) => draw.jitter[row] === 1);
  if (rows.length === 0) return;
  if (images.device !== "cpu") {
    colorJitterByOperators(images, draw);
    return;
  }
  const each = JITTER_OPERATIONS.length;
  const ofRows = (all: Uint8Array | Float64Array) =>
    rows.flatMap((row) => [...all.subarray(row * each, (row + 1) * each)]);
  scope(() => {
    const index = fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length]); // [n]
    const order = fromTypedArray(Uint8Array.from(ofRows(draw.jitterOrder)), [rows.length, each]); // [n, 4]
    const factors = fromTypedArray(Float32Array.from(ofRows(draw.jitterFactors)), [rows.length, each]); // [n, 4]
    ops.fastColorJitter_(images, index, order, factors);
  });
}
