import { Generator, randn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { knnTop1, knnVotes } from "../../src/metrics/knn.js";

/** The votes in plain code: sort by cosine, add up the weights of the nearest k by class. `[M][classes]` */
function votesByHand(
  train: number[][],
  labels: Int32Array,
  test: number[][],
  classes: number,
  { k, temperature }: { k: number; temperature: number },
): number[][] {
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));
  return test.map((query) => {
    const near = train
      .map((row, i) => ({ s: cosine(query, row), label: labels[i] }))
      .sort((a, b) => b.s - a.s);
    const votes = new Array<number>(classes).fill(0);
    for (const { s, label } of near.slice(0, k)) votes[label] += Math.exp(s / temperature);
    return votes;
  });
}

function rowsOf(flat: number[], width: number): number[][] {
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
}

describe("the votes of nearest neighbours", () => {
  it.each([
    ["as asked", { k: 7, temperature: 0.1 }, { k: 7, temperature: 0.1 }],
    ["of 20 neighbours with 0.07 where nothing is asked", undefined, { k: 20, temperature: 0.07 }],
  ])("are those in plain code, of more rows than are computed at once: %s", (_, options, meant) => {
    scope(() => {
      const generator = new Generator(1);
      const [train, test] = [randn([60, 4], { generator }), randn([520, 4], { generator })];
      const labels = Int32Array.from({ length: 60 }, (_, i) => i % 3);
      const expected = votesByHand(rowsOf(train.toArray(), 4), labels, rowsOf(test.toArray(), 4), 3, meant);
      const found = rowsOf(knnVotes({ features: train, labels }, test, 3, options).toArray(), 3);
      expect(found.length).toBe(520);
      for (const [row, votes] of expected.entries()) {
        for (const [label, sum] of votes.entries())
          expect(Math.abs(found[row][label] - sum), `${row}, ${label}`).toBeLessThanOrEqual(1e-4 * sum);
      }

      // Every fifth row has another class than the one that is found.
      const truth = Int32Array.from(expected, (votes, i) => {
        const best = votes.indexOf(Math.max(...votes));
        return i % 5 === 0 ? (best + 1) % 3 : best;
      });
      const share = knnTop1({ features: train, labels }, { features: test, labels: truth }, 3, options);
      expect(share).toBeCloseTo(4 / 5, 10);
    });
  });

  it("are those of all rows if there are fewer than k", () => {
    scope(() => {
      const features = randn([3, 2], { generator: new Generator(2) });
      const labels = Int32Array.of(1, 1, 1);
      expect(knnTop1({ features, labels }, { features, labels }, 2)).toBe(1);
    });
  });
});
