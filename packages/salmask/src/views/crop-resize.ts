import type { Tensor } from "@salmask/torch";
import { boxIntervals, resamplingMatrices } from "../image/resample.js";
import type { ViewDraw } from "./draw.js";

/**
 * Crops each image, resizes it (bilinear with antialiasing, torchvision's `resized_crop` with `antialias=True`) and
 * flips it if this was drawn.
 *
 * @param images float32 [B, C, S, S].
 * @param crop side of the result in pixels.
 * @returns float32 [B, C, crop, crop], within the range of the input.
 */
export function cropResize(
  images: Tensor,
  draw: Pick<ViewDraw, "squareBoxes" | "flip">,
  crop: number,
): Tensor {
  const [count, channels, height, width] = images.shape;
  const { vertical, horizontal } = boxIntervals(draw.squareBoxes, draw.flip);
  const rows = resamplingMatrices(vertical, height, crop, "bilinear", images.device); // [B, crop, S]
  const columns = resamplingMatrices(horizontal, width, crop, "bilinear", images.device); // [B, crop, S]
  const narrow = images.reshape([count, channels * height, width]).bmm(columns.transpose(1, 2)); // [B, C S, crop]
  return rows.unsqueeze(1).matmul(narrow.view([count, channels, height, crop])); // [B, C, crop, crop]
}
