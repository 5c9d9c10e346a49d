/** MoCo v2's blur of a view: a kernel that follows the crop, and a sigma of each image's own. */
import { scope, type Tensor } from "@salmask/torch";
import { gaussianBlurEach } from "../image/gaussian-blur.js";
import { applyToRows, rowsWhere } from "../image/rows.js";

/** The kernel of MoCo v2's blur at the crop that it was made for. */
const REFERENCE = { crop: 224, kernel: 23 };

/** Taps of the view's blur at a crop of this side: 23 at 224 pixels, in proportion elsewhere, odd, at least 3. */
export function viewBlurKernel(crop: number): number {
  const kernel = (REFERENCE.kernel * crop) / REFERENCE.crop;
  return Math.max(3, 2 * Math.round((kernel - 1) / 2) + 1);
}

/**
 * Blurs the images that were drawn for it, in place, each by its own sigma.
 *
 * @param images float32 [B, C, crop, crop].
 * @param blurSigma [B]: standard deviations in pixels of a 224-pixel crop, scaled to this one; 0 is no blur.
 */
export function blurView(images: Tensor, blurSigma: Float64Array): void {
  const [count, , , crop] = images.shape;
  const rows = rowsWhere(count, (row) => blurSigma[row] > 0);
  const sigmas = rows.map((row) => (blurSigma[row] * crop) / REFERENCE.crop);
  scope(() => applyToRows(images, rows, (chosen) => gaussianBlurEach(chosen, viewBlurKernel(crop), sigmas)));
}
