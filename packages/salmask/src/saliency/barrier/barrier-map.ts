import type { Picture } from "../map-photos.js";
import { toUnitRange } from "../unit-range.js";
import { backgroundContrast } from "./background-contrast.js";
import { minimumBarrierDistance } from "./barrier-distance.js";
import { smoothByReconstruction } from "./reconstruction.js";

/** Side of the smoothing's square as a share of the picture's side, for a map with mean 1. */
const smoothing = 1 / 12;

/**
 * Minimum barrier saliency of each pixel, `[height * width]` in [0, 1] (Zhang et al. 2015, section 4): the distance from
 * the border plus the contrast to it, smoothed with a square that grows with the root of the map's mean. The paper's last
 * steps, centre and contrast, are those of all methods together (`consensus.ts`).
 */
export function barrierMap({ normalised, size }: Picture): Float32Array {
  const distance = toUnitRange(minimumBarrierDistance(normalised, size));
  const contrast = toUnitRange(backgroundContrast(normalised, size));
  const sum = toUnitRange(distance.map((value, p) => value + contrast[p]));
  const mean = sum.reduce((total, value) => total + value, 0) / sum.length;
  const side = smoothing * Math.sqrt(mean) * Math.max(size.height, size.width);
  return toUnitRange(smoothByReconstruction(sum, size, side));
}
