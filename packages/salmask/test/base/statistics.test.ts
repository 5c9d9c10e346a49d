import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import {
  correlation,
  estimate,
  isToldApart,
  pairedDifference,
  pairsToTell,
} from "../../src/base/statistics.js";

describe("estimate", () => {
  it("uses Student's t interval with the quantiles from printed tables", () => {
    const of = (values: number[]) => estimate(values);
    // t(0.975): 12.706 with 1 degree of freedom, 2.776 with 4.
    expect(of([1, 3])).toEqual({
      ...{
        count: 2,
        mean: 2,
        deviation: expect.closeTo(Math.SQRT2, 10),
        halfWidth: expect.closeTo(12.706, 2),
      },
    });
    const five = of([2, 4, 4, 4, 6]);
    expect(five.deviation).toBeCloseTo(Math.SQRT2, 10);
    expect(five.halfWidth).toBeCloseTo((2.776 * Math.SQRT2) / Math.sqrt(5), 3);
  });

  it("has no spread for one value, and throws for none", () => {
    expect(estimate([7])).toEqual({ count: 1, mean: 7, deviation: null, halfWidth: null });
    expect(() => estimate([])).toThrow(RangeError);
  });
});

describe("pairedDifference", () => {
  it("pairs by seed, over the seeds that both have", () => {
    const first = new Map([
      [0, 10],
      [1, 20],
      [2, 99],
    ]);
    const row = new Map([
      [1, 23],
      [0, 11],
      [5, 0],
    ]);
    expect(pairedDifference(row, first)).toMatchObject({ count: 2, mean: 2 });
    expect(pairedDifference(new Map([[5, 1]]), first)).toBeNull();
  });

  it("has a narrower interval than the rows if seeds affect both equally", () => {
    const rows = [new Map<number, number>(), new Map<number, number>()];
    for (const [seed, value] of [40, 50, 60, 70].entries()) {
      rows[0].set(seed, value);
      rows[1].set(seed, value + 1);
    }
    expect(pairedDifference(rows[1], rows[0])?.halfWidth).toBeCloseTo(0, 10);
  });
});

describe("pairsToTell", () => {
  it("gives the numbers of pairs that scipy's noncentral t gives", () => {
    // scipy 1.17: the first n with 1 - nct.cdf(c, n - 1, d sqrt n) + nct.cdf(-c, ...) of at least the power.
    const expected = [
      [0.1, 787, 1053],
      [0.2, 199, 265],
      [0.5, 34, 44],
      [0.8, 15, 19],
      [1, 10, 13],
      [1.5, 6, 7],
      [2, 5, 5],
      [3, 4, 4],
    ];
    for (const [effect, usual, more] of expected) {
      expect(pairsToTell(effect, 1), `${effect}`).toBe(usual);
      expect(pairsToTell(-3 * effect, 3), `${effect}`).toBe(usual);
      expect(pairsToTell(effect, 1, 0.9), `${effect}`).toBe(more);
    }
  });

  it("agrees with paired t-tests of drawn differences: 80 % find it with these pairs, fewer with one less", () => {
    const random = new KeyedRandom(5);
    const found = (effect: number, pairs: number) => {
      const tests = Array.from({ length: 4000 }, () =>
        isToldApart(estimate(Array.from({ length: pairs }, () => effect + random.normal()))),
      );
      return tests.filter((told) => told).length / tests.length;
    };
    // Of 4000 tests, 5 standard deviations are 0.032. True powers: 0.803 and 0.748; 0.844 and 0.706.
    expect(Math.abs(found(1, pairsToTell(1, 1)) - 0.803)).toBeLessThan(0.032);
    expect(found(1, pairsToTell(1, 1) - 1)).toBeLessThan(0.8);
    expect(found(1.5, pairsToTell(1.5, 1))).toBeGreaterThan(0.8);
  });

  it("has no number for no difference or too small a one, and needs two pairs where nothing varies", () => {
    expect(pairsToTell(0, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(pairsToTell(0.001, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(pairsToTell(0.1, 0)).toBe(2);
    expect(pairsToTell(1000, 1)).toBe(2);
  });
});

describe("isToldApart", () => {
  it("asks whether the interval leaves out 0", () => {
    expect(isToldApart(estimate([1, 3]))).toBe(false);
    expect(isToldApart(estimate([1, 1.01, 0.99]))).toBe(true);
    expect(isToldApart(estimate([-1, -1.01, -0.99]))).toBe(true);
    expect(isToldApart(estimate([5]))).toBe(false);
  });
});

describe("correlation", () => {
  it("is Pearson's r with Fisher's interval, as scipy's pearsonr gives them", () => {
    const pairs = [2, 1, 4, 3, 7, 5].map((y, i) => [i + 1, y] as const);
    const found = correlation(pairs);
    expect(found?.count).toBe(6);
    expect([found?.r, found?.low, found?.high].map((value) => value?.toFixed(6))).toEqual([
      "0.791795",
      "-0.055305",
      "0.976115",
    ]);
    const back = correlation(pairs.map(([x, y]) => [x, 10 - 3 * y] as const));
    expect(back?.r).toBeCloseTo(-(found?.r ?? 0), 12);
  });

  it("is null for fewer than four pairs, and for a constant side", () => {
    expect(correlation([1, 2, 3].map((x) => [x, x * x] as const))).toBeNull();
    expect(correlation([1, 2, 3, 4].map((x) => [x, 7] as const))).toBeNull();
  });
});
