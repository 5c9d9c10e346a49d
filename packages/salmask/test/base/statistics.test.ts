import { describe, expect, it } from "vitest";
import { estimate, pairedDifference } from "../../src/base/statistics.js";

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
