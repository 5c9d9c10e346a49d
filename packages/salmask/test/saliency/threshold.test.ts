import { fromTypedArray, KeyedRandom, scope } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Foreground, foregroundCells } from "../../src/saliency/threshold.js";

/** The foreground of one map of n cells in a row. */
function foregroundOf(values: readonly number[], k?: number): Foreground {
  return scope(() => foregroundCells(fromTypedArray(Float32Array.from(values), [1, 1, values.length]), k));
}

describe("foregroundCells", () => {
  it("is the paper's rule: at least the mean, or no further from it than k deviations", () => {
    const maps = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(maps, fc.double({ min: 0, max: 2, noNaN: true }), (values, k) => {
        const mean = values.reduce((a, b) => a + b) / values.length;
        const std = Math.sqrt(values.map((a) => (a - mean) ** 2).reduce((a, b) => a + b) / values.length);
        const { cells, shares } = foregroundOf(values, k);
        const slack = 1e-4;
        for (const [i, a] of values.entries()) {
          const margin = Math.max(a - mean, k * std - Math.abs(a - mean));
          if (Math.abs(margin) > slack) expect(cells[i]).toBe(margin > 0 ? 1 : 0);
        }
        expect(shares[0]).toBeCloseTo(cells.reduce((a, b) => a + b, 0) / cells.length, 12);
      }),
    );
  });

  it("takes a two-level map for foreground all over once the object covers 26.5 % or less", () => {
    const total = 400;
    for (let object = 1; object < total; object++) {
      const { shares } = foregroundOf(Array.from({ length: total }, (_, i) => (i < object ? 3 : 1)));
      const expected = object / total <= 0.36 / 1.36 ? 1 : object / total;
      expect(shares[0], `${object} of ${total} cells`).toBeCloseTo(expected, 12);
    }
  });

  it("finds 73 % of a Gaussian map foreground", () => {
    const random = new KeyedRandom(1);
    const batch = 1000;
    const values = Float32Array.from({ length: batch * 49 }, () => random.normal());
    const { shares } = scope(() => foregroundCells(fromTypedArray(values, [batch, 7, 7])));
    expect(shares.reduce((a, b) => a + b) / batch).toBeCloseTo(0.7257, 1.9); // Phi(0.6), within 0.006
  });

  it("keeps rows and columns where they are, and crops apart", () => {
    const left = [9, 0, 0, 9, 0, 0];
    const right = [0, 0, 9, 0, 0, 900];
    const { cells } = scope(() =>
      foregroundCells(fromTypedArray(Float32Array.of(...left, ...right), [2, 2, 3]), 0),
    );
    expect(Array.from(cells)).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("ignores the scale of a map, and takes a flat one whole", () => {
    const values = [0.1, 0.7, 0.2, 0.9, 0.4, 0.3, 0.15];
    expect(foregroundOf(values.map((a) => a * 1e6)).cells).toEqual(foregroundOf(values).cells);
    expect(foregroundOf(new Array(49).fill(1 / 3)).shares[0]).toBe(1);
    expect(foregroundOf(new Array(49).fill(0)).shares[0]).toBe(1);
  });

  it("does not split a map by the last bit of its float32 values", () => {
    const bits = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: 4, maxLength: 64 });
    fc.assert(
      fc.property(bits, fc.double({ min: 0.01, max: 1000, noNaN: true }), (lastBits, level) => {
        const values = lastBits.map((bit) => level * (1 + bit * 2 ** -23));
        expect(foregroundOf(values).shares[0]).toBe(1);
        expect(foregroundOf(values.map((value) => -value)).shares[0]).toBe(1);
      }),
    );
  });

  it("refuses maps that are not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => foregroundOf([1, bad, 2])).toThrow(/finite numbers, but map 0/);
    }
  });
});
