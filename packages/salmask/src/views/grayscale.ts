import type { Tensor } from "@salmask/torch";
import { luma, TORCHVISION_LUMA } from "../image/luma.js";
import { applyToRows, rowsWhere } from "../image/rows.js";

/**
 * Makes images with `gray` 1 grey, in place: torchvision's `rgb_to_grayscale` with three channels.
 *
 * @param images float32 [B, 3, H, W].
 * @param gray [B].
 */
export function grayscale(images: Tensor, gray: Uint8Array): void {
  const rows = rowsWhere(gray.length, (row) => gray[row] === 1);
  applyToRows(images, rows, (chosen) => luma(chosen, TORCHVISION_LUMA).expand(chosen.shape));
}
