import { noGrad, scope, type Tensor } from "@salmask/torch";
import { resample } from "../image/resample.js";
import { boxIntervals } from "../image/taps.js";
import type { ViewDraw } from "./draw.js";

/**
 * The saliency of each view, cropped from maps of whole photos and flipped like the view.
 *
 * @param maps float32 [B, h, w], each covering its photo; h and w can differ from the photo's size.
 * @returns float32 [B, gridHeight, gridWidth]: the mean of the map in each cell of the view's grid.
 */
export function cropMaps(
  maps: Tensor,
  draw: Pick<ViewDraw, "squareBoxes" | "flip" | "size">,
  gridHeight: number,
  gridWidth: number,
): Tensor {
  return noGrad(() =>
    scope(() => {
      const [, height, width] = maps.shape;
      const scale = { vertical: height / draw.size, horizontal: width / draw.size };
      const intervals = boxIntervals(draw.squareBoxes, draw.flip, scale);
      return resample(maps.unsqueeze(1), intervals, [gridHeight, gridWidth], "area").squeeze(1); // [B, gridHeight, gridWidth]
    }),
  );
}
