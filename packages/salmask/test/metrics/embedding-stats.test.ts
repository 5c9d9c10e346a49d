import { Generator, noGrad, randn, scope, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { embeddingStats } from "../../src/metrics/embedding-stats.js";
import { unitRows } from "../../src/models/encoder.js";

const axes = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

describe("embeddingStats", () => {
  it("three orthogonal vectors: rank 3, every squared distance 2", () => {
    const stats = scope(() => embeddingStats(tensor(axes), tensor(axes)));
    expect(stats.alignment).toBeCloseTo(0, 6);
    expect(stats.uniformity).toBeCloseTo(-4, 5);
    expect(stats.rank).toBeCloseTo(3, 4);
  });

  it("a collapse: one direction, uniformity 0", () => {
    const same = [axes[0], axes[0], axes[0]];
    const stats = scope(() => embeddingStats(tensor(same), tensor(same)));
    expect(stats).toEqual({ alignment: 0, uniformity: expect.closeTo(0, 5), rank: expect.closeTo(1, 4) });
  });

  it("equals the mean over pairs, computed in loops", () => {
    const [query, key] = scope(() =>
      noGrad(() => {
        const generator = new Generator(4);
        return [0, 1].map(() => {
          const flat = unitRows(randn([6, 5], { generator })).toArray();
          return Array.from({ length: 6 }, (_, i) => flat.slice(i * 5, i * 5 + 5));
        });
      }),
    );
    const squared = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
    const pairs = query.flatMap((a, i) =>
      query.filter((_, j) => j !== i).map((b) => Math.exp(-2 * squared(a, b))),
    );
    const stats = scope(() => embeddingStats(tensor(query), tensor(key)));
    expect(stats.alignment).toBeCloseTo(query.reduce((sum, a, i) => sum + squared(a, key[i]), 0) / 6, 5);
    expect(stats.uniformity).toBeCloseTo(Math.log(pairs.reduce((a, b) => a + b, 0) / pairs.length), 5);
  });
});
