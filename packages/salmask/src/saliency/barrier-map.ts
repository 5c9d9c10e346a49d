import { backgroundContrast } from "./background-contrast.js";
import { minimumBarrierDistance } from "./barrier-distance.js";
import type { Picture } from "./map-photos.js";
import { smoothByReconstruction } from "./reconstruction.js";
import { toUnitRange } from "./unit-range.js";

/** Side of the smoothing's square for a map with mean 1, as a share of the picture's side (50 of 300 pixels in the paper). */
const smoothing = 1 / 6;
/** Steepness of the curve that raises the contrast, b in the paper. */
const steepness = 10;

/**
 * Minimum barrier saliency of each pixel with all steps of the paper but its centre, `[height * width]` in [0, 1]
 * (Zhang et al. 2015, section 4, "MB+"): the distance from the border plus the contrast to it, smoothed and with raised
 * contrast.
 */
export function barrierMap({ rgb, lab, size }: Picture): Float32Array {
  const distance = toUnitRange(minimumBarrierDistance(lab, size));
  const contrast = toUnitRange(backgroundContrast(rgb, size));
  const sum = toUnitRange(distance.map((value, p) => value + contrast[p]));
  const mean = sum.reduce((total, value) => total + value, 0) / sum.length;
  const side = smoothing * Math.sqrt(mean) * Math.max(size.height, size.width);
  const smooth = toUnitRange(smoothByReconstruction(sum, size, side));
  return raiseContrast(smooth);
}

/** `1 / (1 + exp(-b (x - 1/2)))` of values in [0, 1]. */
export function raiseContrast(map: Float32Array): Float32Array {
  return map.map((value) => 1 / (1 + Math.exp(-steepness * (value - 0.5))));
}
