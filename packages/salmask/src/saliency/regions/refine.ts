/** Draws the edges of maps to those of their photos. */
import { ops, type Tensor } from "@salmask/torch";
import { mapPhotos } from "../map-photos.js";
import type { MapSize } from "../source.js";
import { raiseContrast } from "./raise-contrast.js";
import { meansOf, type Regions, regionsOf, squaredDistance, toPixels } from "./regions.js";

/** Standard deviations of the mean over like regions: in looks (units of CIELAB), and in places (share of the picture's side). */
const reach = { looks: 5, places: 0.2 };

/**
 * Draws the edges of maps to those of their photos: a superpixel gets the mean of its pixels and of those around that look
 * like it, and values are drawn apart at 1/2.
 *
 * @param maps float32 `[B, rows, cols]` in [0, 1], above 0.5 on the object
 * @param photos float32 `[B, 3, H, W]`: the whole photos, normalised with ImageNet's mean and standard deviation
 * @param size rows and columns of the result; default: as many as `maps` have
 * @returns float32 `[B, rows, cols]` in [0, 1]; values above 0.5 mean object
 */
export function refineAlongEdges(maps: Tensor, photos: Tensor, size?: MapSize): Tensor {
  const [, rows, cols] = maps.shape;
  return mapPhotos(photos, size ?? { rows, cols }, ({ lab, size }, photo) => {
    const { height, width } = size;
    const one = maps.select(0, photo).reshape([1, 1, rows, cols]); // [1, 1, rows, cols]
    const map = ops.upsampleBilinear2d(one, [height, width], false); // [1, 1, h, w]
    const regions = regionsOf(lab, size);
    return toPixels(regions, refine(regions, meansOf(regions, map.toFloat32Array())));
  });
}

/** The refined values of regions: `[N]` in [0, 1] to the same. */
export function refine(regions: Regions, values: Float64Array): Float64Array {
  const { count, areas, differences } = regions;
  const smooth = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let total = 0;
    for (let j = 0; j < count; j++) {
      const unlike = differences[i * count + j] ** 2 / (2 * reach.looks ** 2);
      const far = squaredDistance(regions, i, j) / (2 * reach.places ** 2);
      const weight = areas[j] * Math.exp(-unlike - far);
      smooth[i] += weight * values[j];
      total += weight;
    }
    smooth[i] /= total;
  }
  return raiseContrast(smooth, 0.5);
}
