/** Draws the edges of maps to those of their photos. */
import { ops, type Tensor } from "@salmask/torch";
import { raiseContrast } from "./barrier-map.js";
import { guidedFilter } from "./guided-filter.js";
import { mapPhotos, type Picture } from "./map-photos.js";
import { meansOf, type Regions, regionsOf, toPixels } from "./regions.js";
import { smoothRegions } from "./smooth-regions.js";
import type { MapSize } from "./source.js";
import { toUnitRange } from "./unit-range.js";

const edges = { radius: 4, smoothness: 1e-3 };

/**
 * Draws the edges of maps to those of their photos: each superpixel gets the mean of its pixels, superpixels of like colours
 * that touch become more alike, and a guided filter draws the rest to the edges.
 *
 * @param maps float32 `[B, rows, cols]` in [0, 1], of any size
 * @param photos float32 `[B, 3, H, W]`: the whole photos, normalised with ImageNet's mean and standard deviation
 * @param size rows and columns of the result; default: as many as `maps` have
 * @returns float32 `[B, rows, cols]` in [0, 1]; values above 0.5 mean object
 */
export function refineAlongEdges(maps: Tensor, photos: Tensor, size?: MapSize): Tensor {
  const [, rows, cols] = maps.shape;
  return mapPhotos(photos, size ?? { rows, cols }, (picture, photo) => {
    const {
      lab,
      size: { height, width },
    } = picture;
    const map = ops.upsampleBilinear2d(
      maps.select(0, photo).reshape([1, 1, rows, cols]),
      [height, width],
      false,
    ); // [1, 1, h, w]
    const regions = regionsOf(lab, picture.size);
    return refine(regions, meansOf(regions, map.toFloat32Array()), picture);
  });
}

/** The refined map of one picture: `[N]` values of its regions in [0, 1] to `[height * width]`. */
export function refine(regions: Regions, values: Float64Array, { rgb, size }: Picture): Float32Array {
  const smooth = smoothRegions(
    regions,
    values,
    values.map((value) => 1 - value),
  );
  const map = toPixels(regions, toUnitRange(smooth));
  return raiseContrast(guidedFilter(map, rgb, size, edges));
}
