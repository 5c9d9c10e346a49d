/** MoCo v2's blur of a view: the kernel is proportional to the crop, and each image has its own sigma. */
import { scope, type Tensor } from "@salmask/torch";
import { gaussianBlurEach } from "../image/gaussian-blur.js";
import { applyToRows, rowsWhere } from "../image/rows.js";

/** The kernel of MoCo v2's blur for its original crop. */
const REFERENCE = { crop: 224, kernel: 23 };

/** Number of taps of the blur for a crop of this side: 23 at 224 pixels, otherwise proportional, odd, at least 3. */
export function viewBlurKernel(crop: number): number {
  const kernel = (REFERENCE.kernel * crop) / REFERENCE.crop;
  return Math.max(3, 2 * Math.round((kernel - 1) / 2) + 1);
}

/**
 * Blurs the images for which it was drawn, in place, each with its own sigma.
 *
 * @param images float32 [B, C, crop, crop].
 * @param blurSigma [B]: standard deviations in pixels of a 224-pixel crop, scaled to this one; 0 means no blur.
 */
export function blurView(images: Tensor, blurSigma: Float64Array): void {
  const [count, , , crop] = images.shape;
  const rows = rowsWhere(count, (row) => blurSigma[row] > 0);
  const sigmas = rows.map((row) => (blurSigma[row] * crop) / REFERENCE.crop);
  scope(() => applyToRows(images, rows, (chosen) => gaussianBlurEach(chosen, viewBlurKernel(crop), sigmas)));
}
