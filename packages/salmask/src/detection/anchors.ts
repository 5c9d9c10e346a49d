/** Boxes of fixed sizes around every place of the feature maps: Ren et al. 2015, "Faster R-CNN", section 3.1.1. */
import { arange, fromTypedArray, ops, type Tensor } from "@salmask/torch";
import type { Size } from "./boxes.js";

/**
 * Anchors around the place 0, `[4]` each: for each ratio of height to width all sizes, where a size is the side of a square
 * of the same area. Float32 and rounded to whole pixels, as torchvision has them.
 */
export function anchorsOfPlace(sizes: readonly number[], ratios: readonly number[]): Float32Array {
  const halves = ratios.flatMap((ratio) => {
    const tall = Math.fround(Math.sqrt(Math.fround(ratio)));
    const wide = Math.fround(1 / tall);
    return sizes.map((size) => [Math.fround(wide * size) / 2, Math.fround(tall * size) / 2]);
  });
  return Float32Array.from(halves.flatMap(([x, y]) => [-x, -y, x, y].map(roundHalfToEven)));
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

export class AnchorGenerator {
  readonly #places: readonly Float32Array[];

  /** `sizes` of anchors at each level, in pixels; all levels have the same ratios. */
  constructor(sizes: readonly (readonly number[])[], ratios: readonly number[]) {
    this.#places = sizes.map((ofLevel) => anchorsOfPlace(ofLevel, ratios));
  }

  /** Anchors around one place of each level. */
  get perPlace(): number[] {
    return this.#places.map(({ length }) => length / 4);
  }

  /**
   * The anchors of each level, `[rows columns anchors, 4]`, for feature maps `[B, C, rows, columns]` of pictures of this size:
   * the batch's, with its padding.
   */
  of(features: readonly Tensor[], picture: Size): Tensor[] {
    if (features.length !== this.#places.length) {
      throw new RangeError(
        `Expected feature maps of ${this.#places.length} levels, as there are sizes of anchors, got ${features.length}.`,
      );
    }
    return features.map((maps, level) => {
      const [, , rows, columns] = maps.shape;
      const { device } = maps;
      const line = (count: number, side: number) =>
        arange(0, count, { dtype: "float32", device }).mul(Math.floor(side / count)); // [count]
      const y = line(rows, picture.height).unsqueeze(1).expand([rows, columns]); // [rows, columns]
      const x = line(columns, picture.width).unsqueeze(0).expand([rows, columns]);
      const shifts = ops.stack([x, y, x, y], { dim: 2 }).reshape([-1, 1, 4]); // [places, 1, 4]
      const place = fromTypedArray(this.#places[level], [1, this.perPlace[level], 4], { device });
      return shifts.add(place).reshape([-1, 4]); // [places anchors, 4]
    });
  }
}
