/** What the feature maps show within boxes, all of one size. */
import { ops, scope, type Tensor, vision } from "@salmask/torch";
import { boxAreas } from "./boxes.js";
import type { TrunkLevel } from "./trunk.js";

export interface RoiPoolOptions {
  /** Of the feature maps that are pooled from, from fine to coarse. */
  readonly levels: readonly TrunkLevel[];
  /** Places of a region along each side. */
  readonly side: number;
  readonly samplingRatio: number;
  readonly aligned: boolean;
}

/** A box of so many pixels along each side belongs to the level of stride 2^4: Lin et al. 2017, equation 1. The margin is torchvision's. */
export const canonical = { side: 224, level: 4, margin: 1e-6 };

/** Boxes of each photo, `[N, 4]`, as regions of the batch, `[R, 5]`: the photo's place first. */
export function regionsOf(boxes: readonly Tensor[]): Tensor {
  const rows = boxes.map((ofPhoto, photo) => ofPhoto.constantPadNd([1, 0], { value: photo })); // of [N, 5]
  return ops.cat(rows); // [R, 5]
}

/** Which of levels of these strides each box belongs to, by the square root of its area: `[R, 4]` to int64 `[R]`. */
export function levelsOfBoxes(boxes: Tensor, strides: readonly number[]): Tensor {
  const [first, last] = [strides[0], strides[strides.length - 1]].map(Math.log2);
  const byArea = boxAreas(boxes)
    .sqrt()
    .div(canonical.side)
    .log2()
    .add(canonical.level)
    .add(canonical.margin)
    .floor(); // [R]
  return byArea.clamp({ min: first, max: last }).sub(first).to({ dtype: "int64" });
}

/** `[R, channels, side, side]`: what the feature maps `[B, channels, H, W]` of each level show within each photo's boxes. */
export function poolRegions(
  features: readonly Tensor[],
  boxes: readonly Tensor[],
  { levels, side, samplingRatio, aligned }: RoiPoolOptions,
): Tensor {
  return scope(() => {
    const regions = regionsOf(boxes); // [R, 5]
    const strides = levels.map(({ stride }) => stride);
    return vision.roiAlignOfLevels(
      strides.map((stride, level) => ({ maps: features[level], spatialScale: 1 / stride })),
      regions,
      levelsOfBoxes(regions.narrow(1, 1, 4), strides),
      { outputSize: [side, side], samplingRatio, aligned },
    );
  });
}
