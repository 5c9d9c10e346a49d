import type { Tensor } from "@salmask/torch";
import { applyToRows, rowsWhere } from "../image/rows.js";

/** Brightness as PIL and torchvision weigh it: [B, 3, H, W] to [B, 1, H, W]. */
export function luma(images: Tensor): Tensor {
  const [red, green, blue] = [0, 1, 2].map((channel) => images.narrow(1, channel, 1)); // each [B, 1, H, W]
  return red.mul(0.2989).add_(green, { alpha: 0.587 }).add_(blue, { alpha: 0.114 });
}

/**
 * Makes the images grey where `gray` is 1, in place: torchvision's `rgb_to_grayscale` with three channels.
 *
 * @param images float32 [B, 3, H, W].
 * @param gray [B].
 */
export function grayscale(images: Tensor, gray: Uint8Array): void {
  const rows = rowsWhere(gray.length, (row) => gray[row] === 1);
  applyToRows(images, rows, (chosen) => luma(chosen).expand(chosen.shape));
}
