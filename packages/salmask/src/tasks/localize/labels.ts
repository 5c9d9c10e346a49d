/** What a round of training learns from: the maps of a source, made sharp. */
import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { received } from "../../compute/compute.js";
import { refineAlongEdges } from "../../saliency/regions/refine.js";
import type { MapSize, SaliencySource } from "../../saliency/source.js";
import { otsu } from "../../saliency/threshold.js";

/** How steep labels are: standard deviations of a map from its threshold, times this, are a label's logit. */
const steepness = 3;

/** The weight of a place whose label is one half. */
const leastWeight = 0.1;

/** Photos count where their object has a share of the photo between these two. */
const objectShares = { least: 0.02, most: 0.8 };

/**
 * Maps as labels, 0 to 1: the logistic function of the distance from the photo's own threshold (Otsu 1979), so that a photo with little contrast gets
 * labels as sharp as one with much, if its map has two sides. A constant map gives labels of one half.
 *
 * @param maps float32 `[B, rows, cols]`
 */
export function sharpened(maps: Tensor): Tensor {
  return noGrad(() =>
    scope(() => {
      const [batch, rows, cols] = maps.shape;
      const values = received(maps).contiguous().toFloat32Array();
      const size = rows * cols;
      const labels = new Float32Array(values.length);
      for (let i = 0; i < batch; i++) {
        const map = values.subarray(i * size, (i + 1) * size);
        const mean = map.reduce((sum, value) => sum + value, 0) / size;
        const spread = Math.sqrt(map.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size) || 1;
        const above = otsu(map);
        const below = map.reduce((most, value) => (value < above ? Math.max(most, value) : most), -Infinity);
        const middle = Number.isFinite(below) ? (below + above) / 2 : above;
        for (let p = 0; p < size; p++)
          labels[i * size + p] = 1 / (1 + Math.exp((-steepness * (map[p] - middle)) / spread));
      }
      return fromTypedArray(labels, [batch, rows, cols]); // [B, rows, cols]
    }),
  );
}

/** How sure labels are, 0 at one half to 1: `[...]` to the same shape. */
const certainty = (labels: Tensor): Tensor => labels.sub(0.5).abs().mul(2);

/** How much places count: more the surer their labels are. `[B, rows, cols]` to the same shape, 0 to 1. */
export const placeWeights = (labels: Tensor): Tensor =>
  certainty(labels)
    .mul(1 - leastWeight)
    .add(leastWeight);

/**
 * How much photos count by the labels of their places, `[B, rows, cols]` to `[B]`, 0 to 1: how sure these are on average, squared; and not at all
 * if hardly anything or nearly everything is object.
 */
export function photoWeights(labels: Tensor): Tensor {
  const share = labels.mean([1, 2]); // [B]
  const { least, most } = objectShares;
  const isLikely = share.ge(least).mul(share.le(most)).to({ dtype: "float32" }); // [B]
  const sure = certainty(labels).mean([1, 2]); // [B]
  return sure.mul(sure).mul(isLikely); // [B]
}

/** Maps of a source as labels. */
export class LabelSource implements SaliencySource {
  readonly name = "labels";

  /** Takes ownership of the source. */
  constructor(private readonly source: SaliencySource) {}

  maps(photos: Tensor, size: MapSize): Tensor {
    return scope(() => sharpened(this.source.maps(photos, size))); // [B, rows, cols]
  }

  dispose(): void {
    this.source.dispose();
  }
}

/** The maps of a source, each the mean of those of a photo and of its mirror image: `[B, rows, cols]` of `photos` `[B, 3, H, W]`. */
export function mirroredMaps(source: SaliencySource, photos: Tensor, size: MapSize): Tensor {
  return noGrad(() =>
    scope(() => {
      const mirrored = source.maps(photos.flip([3]), size).flip([2]); // [B, rows, cols]
      return source.maps(photos, size).add(mirrored).div(2); // [B, rows, cols]
    }),
  );
}

/** {@link mirroredMaps} of a source, with their edges drawn to those of the photos. */
export class CarefulSource implements SaliencySource {
  readonly name = "careful";

  /** Takes ownership of the source. */
  constructor(private readonly source: SaliencySource) {}

  maps(photos: Tensor, size: MapSize): Tensor {
    return scope(() => refineAlongEdges(mirroredMaps(this.source, photos, size), photos)); // [B, rows, cols]
  }

  dispose(): void {
    this.source.dispose();
  }
}
