import type { Tensor } from "@salmask/torch";
import { resample } from "../image/resample.js";
import { boxIntervals } from "../image/taps.js";
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
  return resample(images, boxIntervals(draw.squareBoxes, draw.flip), [crop, crop], "bilinear");
}
