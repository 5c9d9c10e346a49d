import { fromTypedArray, KeyedRandom, scope, tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Foreground } from "../../src/masking/foreground.js";
import { paperThreshold, type ThresholdOptions } from "../../src/saliency/settings.js";
import { foregroundCells } from "../../src/saliency/threshold.js";

/** The foreground of one map with n cells in a row, by the paper's rule if no other is given. */
function foregroundOf(
  values: readonly number[],
  options: Partial<ThresholdOptions> = paperThreshold,
): Foreground {
  return scope(() =>
    foregroundCells(fromTypedArray(Float32Array.from(values), [1, 1, values.length]), options),
  );
}

describe("foregroundCells", () => {
  it("follows the paper's rule: at least the mean, or within k standard deviations of it", () => {
    const maps = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(maps, fc.double({ min: 0, max: 2, noNaN: true }), (values, k) => {
        const mean = values.reduce((a, b) => a + b) / values.length;
        const std = Math.sqrt(values.map((a) => (a - mean) ** 2).reduce((a, b) => a + b) / values.length);
        const { cells, shares } = foregroundOf(values, { rule: "deviations", deviations: k });
        const slack = 1e-4;
        for (const [i, a] of values.entries()) {
          const margin = Math.max(a - mean, k * std - Math.abs(a - mean));
          if (Math.abs(margin) > slack) expect(cells[i]).toBe(margin > 0 ? 1 : 0);
        }
        expect(shares[0]).toBeCloseTo(cells.reduce((a, b) => a + b, 0) / cells.length, 12);
      }),
    );
  });

  it("makes all cells of a two-level map foreground if the object covers 26.5 % or less", () => {
    const total = 400;
    for (let object = 1; object < total; object++) {
      const { shares } = foregroundOf(Array.from({ length: total }, (_, i) => (i < object ? 3 : 1)));
      const expected = object / total <= 0.36 / 1.36 ? 1 : object / total;
      expect(shares[0], `${object} of ${total} cells`).toBeCloseTo(expected, 12);
    }
  });

  it("makes 73 % of a Gaussian map foreground", () => {
    const random = new KeyedRandom(1);
    const batch = 1000;
    const values = Float32Array.from({ length: batch * 49 }, () => random.normal());
    const { shares } = scope(() => foregroundCells(fromTypedArray(values, [batch, 7, 7]), paperThreshold));
    expect(shares.reduce((a, b) => a + b) / batch).toBeCloseTo(0.7257, 1.9); // Phi(0.6), within 0.006
  });

  it("keeps rows and columns, and separates crops", () => {
    const left = [9, 0, 0, 9, 0, 0];
    const right = [0, 0, 9, 0, 0, 900];
    const { cells } = scope(() =>
      foregroundCells(fromTypedArray(Float32Array.of(...left, ...right), [2, 2, 3]), { rule: "mean" }),
    );
    expect(Array.from(cells)).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it("ignores the scale of a map, and makes all of a constant one foreground", () => {
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

  it("throws for maps that are not finite", () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => foregroundOf([1, bad, 2])).toThrow(/finite numbers, but map 0/);
    }
  });

  const anyMap = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 4, maxLength: 40 });

  it("splits with Otsu where the variance between the sides is largest, compared with all splits", () => {
    const between = (upper: number[], lower: number[]) => {
      const mean = (side: number[]) => side.reduce((a, b) => a + b, 0) / side.length;
      return upper.length * lower.length * (mean(upper) - mean(lower)) ** 2;
    };
    fc.assert(
      fc.property(anyMap, (values) => {
        const splits = values.map((bound) => [
          values.filter((v) => v >= bound),
          values.filter((v) => v < bound),
        ]);
        const possible = splits.filter(([, lower]) => lower.length > 0);
        const best = Math.max(0, ...possible.map(([upper, lower]) => between(upper, lower)));
        const { cells } = foregroundOf(values, { rule: "otsu" });
        const upper = values.filter((_, i) => cells[i] === 1);
        const lower = values.filter((_, i) => cells[i] === 0);
        if (lower.length === 0) expect(best).toBe(0);
        else expect(between(upper, lower)).toBeCloseTo(best, 6);
      }),
    );
  });

  it("takes the requested share of the highest cells, including ties with the last of them", () => {
    fc.assert(
      fc.property(anyMap, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
        const { cells } = foregroundOf(values, { rule: "top-share", share });
        const wanted = Math.max(1, Math.round(share * values.length));
        const last = [...values].sort((a, b) => b - a)[wanted - 1];
        expect(Array.from(cells)).toEqual(values.map((value) => Number(value >= last)));
      }),
    );
  });

  it("keeps the largest part connected by edges or corners, if requested", () => {
    const map = [
      [9, 0, 0, 9, 9],
      [0, 9, 0, 0, 9],
      [0, 0, 9, 0, 0],
      [0, 0, 0, 0, 9],
    ];
    const { cells, shares } = scope(() =>
      foregroundCells(tensor([map]), { rule: "mean", component: "largest" }),
    );
    // The diagonal and the corner have three cells each. The diagonal does not touch the corner's cells and comes
    // first.
    const kept = [0, 6, 12];
    expect(Array.from(cells, (on, cell) => (on ? cell : -1)).filter((cell) => cell >= 0)).toEqual(kept);
    expect(shares[0]).toBeCloseTo(3 / 20, 12);
  });
});
