import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { choleskyInPlace, choleskySolve } from "../../src/saliency/cholesky.js";
import { guidedFilter } from "../../src/saliency/guided-filter.js";

const size = { height: 7, width: 9 };
const pixels = 63;

function noise(seed: number, length: number): Float32Array {
  const random = new KeyedRandom(seed, 2);
  return Float32Array.from({ length }, () => random.uniform());
}

/** The pixels within `radius` rows and columns of a pixel. */
function windowOf(middle: number, radius: number): number[] {
  const [y, x] = [Math.floor(middle / 9), middle % 9];
  return Array.from({ length: pixels }, (_, p) => p).filter(
    (p) => Math.abs(Math.floor(p / 9) - y) <= radius && Math.abs((p % 9) - x) <= radius,
  );
}

describe("guidedFilter", () => {
  it("is the mean of each window's own ridge regression, pixel by pixel", () => {
    const [radius, smoothness] = [2, 0.05];
    const [map, picture] = [noise(1, pixels), noise(2, 3 * pixels)];
    const colour = (p: number) => [picture[p], picture[pixels + p], picture[2 * pixels + p]];
    const functions = Array.from({ length: pixels }, (_, middle) => {
      const inside = windowOf(middle, radius);
      const mean = (value: (p: number) => number) =>
        inside.reduce((sum, p) => sum + value(p), 0) / inside.length;
      const centre = [0, 1, 2].map((c) => mean((p) => colour(p)[c]));
      const level = mean((p) => map[p]);
      const scatter = Float64Array.from({ length: 9 }, (_, at) => {
        const [a, b] = [Math.floor(at / 3), at % 3];
        return (
          mean((p) => (colour(p)[a] - centre[a]) * (colour(p)[b] - centre[b])) + (a === b ? smoothness : 0)
        );
      });
      const together = Float64Array.from([0, 1, 2], (c) =>
        mean((p) => (colour(p)[c] - centre[c]) * (map[p] - level)),
      );
      choleskyInPlace(scatter, 3);
      const slopes = choleskySolve(scatter, together);
      return (p: number) =>
        level + colour(p).reduce((sum, value, c) => sum + slopes[c] * (value - centre[c]), 0);
    });
    for (const [p, found] of guidedFilter(map, picture, size, { radius, smoothness }).entries()) {
      const around = windowOf(p, radius);
      const expected = around.reduce((sum, middle) => sum + functions[middle](p), 0) / around.length;
      expect(found).toBeCloseTo(expected, 5);
    }
  });

  it("keeps a map of one value, and a map that is linear in the colours", () => {
    const picture = noise(3, 3 * pixels);
    const options = { radius: 2, smoothness: 1e-9 };
    for (const value of guidedFilter(new Float32Array(pixels).fill(0.3), picture, size, options))
      expect(value).toBeCloseTo(0.3, 6);
    const linear = Float32Array.from(
      { length: pixels },
      (_, p) => 0.4 * picture[p] - 0.7 * picture[pixels + p] + 0.2,
    );
    for (const [p, value] of guidedFilter(linear, picture, size, options).entries())
      expect(value).toBeCloseTo(linear[p], 4);
  });
});
