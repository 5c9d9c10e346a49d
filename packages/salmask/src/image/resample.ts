/**
 * Separable resampling: a crop, its resize and its flip are weighted sums of few pixels along each axis, and each image of a batch has its
 * own weights.
 */
import { ops, type Tensor } from "@salmask/torch";
import { resampleByProducts } from "./resample-by-products.js";
import { type BothAxes, type Filter, tapsOf } from "./taps.js";

/**
 * Resamples the planes of each image from its own intervals.
 *
 * @param images float32 [B, C, H, W].
 * @param size height and width of the result in pixels.
 * @returns float32 [B, C, height, width], within the range of the input.
 */
export function resample(
  images: Tensor,
  axes: BothAxes,
  size: readonly [height: number, width: number],
  filter: Filter,
): Tensor {
  if (images.device !== "cpu") return resampleByProducts(images, axes, size, filter);
  const [, , fromHeight, fromWidth] = images.shape;
  const rows = tapsOf(axes.vertical, fromHeight, size[0], filter, "cpu");
  const columns = tapsOf(axes.horizontal, fromWidth, size[1], filter, "cpu");
  return ops.fastResample(images.contiguous(), rows.starts, rows.weights, columns.starts, columns.weights);
}
