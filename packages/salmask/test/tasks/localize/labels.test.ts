import { scope, type Tensor, tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import type { SaliencySource } from "../../../src/saliency/source.js";
import { mirroredMaps, photoWeights, placeWeights, sharpened } from "../../../src/tasks/localize/labels.js";

/** A map of 4 x 4 whose first cells are `high`, the others `low`. */
const twoSided = (cells: number, low: number, high: number): number[][] =>
  Array.from({ length: 4 }, (_, y) => Array.from({ length: 4 }, (_, x) => (4 * y + x < cells ? high : low)));

it("makes labels sharp, whatever the scale and offset of a map, and certain where a map has two sides", () => {
  scope(() => {
    for (const [low, high] of [
      [0, 1],
      [0.4, 0.45],
      [-300, 900],
    ]) {
      const labels = sharpened(tensor([twoSided(4, low, high)]));
      // A quarter of object: the sides lie 0.5 / sqrt(0.1875) standard deviations from the middle.
      const expected = 1 / (1 + Math.exp((-3 * 0.5) / Math.sqrt(0.1875)));
      const values = labels.toArray();
      for (const [cell, value] of values.entries())
        expect(value).toBeCloseTo(cell < 4 ? expected : 1 - expected, 4);
    }
    expect(new Set(sharpened(tensor([twoSided(0, 0.3, 1)])).toArray())).toEqual(new Set([0.5]));
  });
});

it("lets sure places and photos count more, and photos that are all background or all object not at all", () => {
  scope(() => {
    const weights = placeWeights(tensor([[[0, 0.5, 0.75, 1]]])).toArray();
    for (const [i, expected] of [1, 0.1, 0.55, 1].entries()) expect(weights[i]).toBeCloseTo(expected, 6);
    const labels = tensor([
      twoSided(4, 0, 1),
      twoSided(4, 0.25, 0.75),
      twoSided(0, 0, 1),
      twoSided(16, 0, 1),
    ]);
    expect(photoWeights(labels).toArray()).toEqual([1, 0.25, 0, 0]);
  });
});

it("averages the maps of a photo and of its mirror image", () => {
  const left: SaliencySource = {
    name: "brightness",
    maps: (photos: Tensor) => photos.select(1, 0).mul(tensor([1, 1, 1, 0])), // does not see the last column
    dispose: () => {},
  };
  scope(() => {
    const row = [1, 2, 3, 4];
    const photos = tensor([[[row], [row], [row]]]); // [1, 3, 1, 4]
    const maps = mirroredMaps(left, photos, { rows: 1, cols: 4 });
    expect(maps.toArray()).toEqual([0.5, 2, 3, 2]);
  });
});
