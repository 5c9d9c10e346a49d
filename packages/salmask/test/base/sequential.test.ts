import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import {
  type Decision,
  decide,
  holm,
  looksOf,
  sequentialP,
  valuesToDecide,
} from "../../src/base/sequential.js";
import { pairsToTell } from "../../src/base/statistics.js";

describe("looksOf", () => {
  it("has the levels that are printed for O'Brien and Fleming's bound with equal steps", () => {
    // Jennison and Turnbull 2000, from the constants of table 2.3: 1.960, 1.977, 2.004, 2.024.
    const printed = [[0.05], [0.0052, 0.048], [0.0005, 0.0141, 0.0451], [0.0001, 0.0042, 0.0194, 0.0429]];
    for (const expected of printed) {
      const counts = expected.map((_, i) => 7 * (i + 1));
      const found = looksOf(counts).map(({ level }) => Number(level.toFixed(4)));
      expect(found).toEqual(expected);
    }
  });

  it("asks a look for the less, the more of the values it has", () => {
    const [early, middle, late] = [3, 10, 17].map((first) => looksOf([first, 20]));
    expect(early[0].level).toBeLessThan(middle[0].level);
    expect(middle[0].level).toBeLessThan(late[0].level);
    expect(early[1].level).toBeCloseTo(0.05, 4);
  });
});

const rule = { looks: looksOf([10, 20]), least: 2 };

/** The values of `times` drawn experiments with this true mean and deviation. */
function drawn(mean: number, deviation: number, times = 4000): number[][] {
  const random = new KeyedRandom(11);
  return Array.from({ length: times }, () =>
    Array.from({ length: 20 }, () => mean + deviation * random.normal()),
  );
}

function share(
  experiments: readonly number[][],
  of: (decision: Decision) => boolean,
  least = rule.least,
): number {
  const found = experiments.map((values) => decide(values, { ...rule, least }));
  return found.filter((decision) => decision !== null && of(decision)).length / experiments.length;
}

describe("decide", () => {
  // Of 4000 experiments, 4 standard deviations of a share of 5 % are 1.4 points, of 2.5 % 1.0.
  it("leaves the truth out of the interval in 5 % of the cases over both looks, half of them on each side", () => {
    const none = drawn(0, 3);
    // With next to no smallest difference, "refuted" is an interval below 0.
    expect(Math.abs(share(none, ({ verdict }) => verdict !== "undecided", 1e-9) - 0.05)).toBeLessThan(0.014);
    expect(Math.abs(share(none, ({ verdict }) => verdict === "shown", 1e-9) - 0.025)).toBeLessThan(0.01);
    const wrongly = share(none, ({ verdict }) => verdict === "shown");
    expect(wrongly).toBeGreaterThan(0.01);
    expect(wrongly).toBeLessThan(0.035);
    const atLeast = drawn(2, 3);
    expect(share(atLeast, ({ verdict }) => verdict === "refuted")).toBeLessThan(0.035);
    expect(share(atLeast, ({ verdict }) => verdict === "refuted")).toBeGreaterThan(0.005);
  });

  it("finds a difference as often as the number of pairs promises, and stops early where much is seen", () => {
    expect(pairsToTell(2, 3)).toBe(20);
    const found = share(drawn(2, 3), ({ verdict }) => verdict === "shown");
    expect(Math.abs(found - 0.8)).toBeLessThan(0.03);
    expect(share(drawn(6, 3), ({ count }) => count === 10)).toBeGreaterThan(0.9);
  });

  it("asks where the interval lies: above 0, below the least difference, or neither", () => {
    const verdictOf = (mean: number, spread: number) => {
      const values = Array.from({ length: 20 }, (_, i) => mean + (i % 2 === 0 ? -spread : spread));
      return decide(values, rule)?.verdict;
    };
    expect(verdictOf(3, 1)).toBe("shown");
    expect(verdictOf(1, 0.5)).toBe("shown"); // above 0, though below 2
    expect(verdictOf(0.5, 1.3)).toBe("refuted");
    expect(verdictOf(-3, 1)).toBe("refuted");
    expect(verdictOf(1, 4)).toBe("undecided");
  });

  it("waits for every value of a look, and rests on no others", () => {
    const [few, gap] = [new Array<number>(9).fill(1), [...new Array<number>(10).fill(1), null, 5]];
    expect(decide([...few, null], rule)).toBeNull();
    expect(decide(few, rule)).toBeNull();
    expect(decide([null, ...few, 1], rule)).toBeNull();
    const wide = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 9 : -9));
    expect(decide([...wide, null, ...few], rule)).toMatchObject({ verdict: "undecided", count: 10 });
    expect(decide(gap, rule)).toMatchObject({ verdict: "shown", count: 10 });
  });
});

describe("sequentialP", () => {
  it("is at most 5 % where the 95 % interval leaves out 0, and nowhere else", () => {
    const found = drawn(1, 3, 150).map((values) => {
      const decision = decide(values, { ...rule, least: 1e-9 });
      const p = sequentialP(values, rule.looks, decision?.count ?? 0);
      return { p, isOut: decision?.verdict !== "undecided" };
    });
    for (const { p, isOut } of found) expect(p <= 0.05).toBe(isOut);
    expect(new Set(found.map(({ isOut }) => isOut)).size).toBe(2);
    expect(sequentialP(new Array<number>(20).fill(1), rule.looks, 20)).toBe(0);
    expect(sequentialP([], rule.looks, 0)).toBe(1);
  });

  it("is that of a t-test for a single look", () => {
    // With two degrees of freedom, p is 1 - t / sqrt(t² + 2); t is sqrt 7 here.
    expect(sequentialP([1, 2, 4], looksOf([3]), 3)).toBeCloseTo(1 - Math.sqrt(7 / 9), 6);
  });
});

describe("valuesToDecide", () => {
  const single = { looks: looksOf([200]), least: 2 };

  it("asks for the easier of the two: above 0, or below the least difference", () => {
    // A single look has the level of a plain test.
    const wanted = (mean: number) => valuesToDecide({ mean, deviation: 3, count: 5 }, single);
    expect([wanted(1.5), wanted(0.5), wanted(-1)]).toEqual([
      ...[pairsToTell(1.5, 3), pairsToTell(1.5, 3), pairsToTell(3, 3)],
    ]);
    expect(valuesToDecide({ mean: 1, deviation: 500, count: 5 }, single)).toBe(Number.POSITIVE_INFINITY);
  });

  it("never says that as many values would do as have just decided nothing", () => {
    // After 4 of 8 values the bound is strict, and a plain test would have found this difference with 4.
    const seen = { mean: -2.49, deviation: 1.46, count: 4 };
    expect(pairsToTell(2 + 2.49, 1.46)).toBeLessThanOrEqual(4);
    const wanted = valuesToDecide(seen, { looks: looksOf([4, 8]), least: 2 });
    expect(wanted).toBeGreaterThan(4);
    expect(wanted).toBeLessThanOrEqual(8);
  });

  it("counts on the level of the look that sees the values", () => {
    const seen = { mean: 1.7, deviation: 1.3, count: 4 };
    const [strict, late] = [
      [4, 8, 40],
      [4, 40],
    ].map((counts) => valuesToDecide(seen, { looks: looksOf(counts), least: 2 }));
    expect(late).toBeLessThanOrEqual(8);
    expect(strict).toBeGreaterThan(8);
  });

  it("decides in 80 % of the cases with the number that it says", () => {
    const looks = looksOf([4, 20]);
    expect(valuesToDecide({ mean: 2, deviation: 3, count: 4 }, { looks, least: 2 })).toBe(20);
    const found = share(drawn(2, 3), ({ verdict }) => verdict === "shown");
    expect(Math.abs(found - 0.8)).toBeLessThan(0.03);
  });
});

describe("holm", () => {
  it("multiplies as Holm's paper says, and never falls", () => {
    expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual(
      [0.03, 0.06, 0.06, 0.02].map((p) => expect.closeTo(p, 12)),
    );
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    expect(holm([])).toEqual([]);
  });
});
