import { Generator, randn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { knnTop1 } from "../../src/metrics/knn.js";

/** The vote in plain code: sort by cosine, weight the nearest k, take the class with the largest sum. */
function byHand(
  train: number[][],
  labels: Int32Array,
  test: number[][],
  classes: number,
  k: number,
  t: number,
): number[] {
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));
  return test.map((query) => {
    const near = train
      .map((row, i) => ({ s: cosine(query, row), label: labels[i] }))
      .sort((a, b) => b.s - a.s);
    const votes = new Array<number>(classes).fill(0);
    for (const { s, label } of near.slice(0, k)) votes[label] += Math.exp(s / t);
    return votes.indexOf(Math.max(...votes));
  });
}

function rowsOf(flat: number[], width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}

describe("knnTop1", () => {
  it("agrees with a vote in plain code", () => {
    scope(() => {
      const generator = new Generator(1);
      const [train, test] = [randn([60, 4], { generator }), randn([30, 4], { generator })];
      const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
      const expected = byHand(rowsOf(train.toArray(), 4), labels, rowsOf(test.toArray(), 4), 3, 7, 0.1);
      const truth = Int32Array.from(expected, (label, i) => (i % 5 === 0 ? (label + 1) % 3 : label));
      const options = { k: 7, temperature: 0.1 };
      const share = knnTop1({ features: train, labels }, { features: test, labels: truth }, 3, options);
      expect(share).toBeCloseTo(24 / 30, 10);
    });
  });

  it("uses all rows if there are fewer than k", () => {
    scope(() => {
      const features = randn([3, 2], { generator: new Generator(2) });
      const labels = Int32Array.of(1, 1, 1);
      expect(knnTop1({ features, labels }, { features, labels }, 2)).toBe(1);
    });
  });
});
