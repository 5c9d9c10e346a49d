import { Generator, randn, scope, type Tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import { NearestRows, type Pair } from "../../src/metrics/nearest.js";

const rowsOf = (matrix: Tensor): number[][] => {
  const [, width] = matrix.shape;
  const flat = matrix.toArray();
  return Array.from({ length: flat.length / width }, (_, i) => flat.slice(i * width, (i + 1) * width));
};
const cosine = (a: number[], b: number[]) =>
  a.reduce((sum, value, i) => sum + value * b[i], 0) / (Math.hypot(...a) * Math.hypot(...b));

const blocks = [
  ["one block", {}],
  ["many blocks", { cosines: 60, paired: 90 }],
] as const;

it.each(blocks)("finds the rows that plain code finds, in %s", (_, atOnce) => {
  scope(() => {
    const generator = new Generator(1);
    const [bank, queries] = [randn([70, 5], { generator }), randn([9, 5], { generator })];
    using index = new NearestRows(bank, atOnce);
    const { rows, cosines } = index.find(queries, 7);
    const known = rowsOf(bank);
    for (const [q, query] of rowsOf(queries).entries()) {
      const expected = known
        .map((row, i) => ({ i, s: cosine(query, row) }))
        .sort((a, b) => b.s - a.s)
        .slice(0, 7);
      expect(rows[q]).toEqual(expected.map(({ i }) => i));
      for (const [at, { s }] of expected.entries()) expect(cosines[q][at]).toBeCloseTo(s, 5);
    }
    expect(index.find(queries, 1000).rows[0]).toHaveLength(70);
  });
});

it.each(blocks)("finds the pairs that plain code finds, in %s", (_, atOnce) => {
  scope(() => {
    const vectors = randn([40, 3], { generator: new Generator(2) });
    const known = rowsOf(vectors);
    const expected: Pair[] = [];
    for (let first = 0; first < 40; first++)
      for (let second = first + 1; second < 40; second++) {
        const found = cosine(known[first], known[second]);
        if (found >= 0.9) expected.push({ first, second, cosine: found });
      }
    expect(expected.length).toBeGreaterThan(10);
    using index = new NearestRows(vectors, atOnce);
    const parts = Array.from(index.pairs(0.9));
    const pairs = parts.flatMap((part) => part.pairs);
    expect(pairs.map(({ first, second }) => [first, second])).toEqual(
      expected.map(({ first, second }) => [first, second]),
    );
    for (const [i, pair] of pairs.entries()) expect(pair.cosine).toBeCloseTo(expected[i].cosine, 5);
    expect(parts.at(-1)?.done).toBe(40);
  });
});

it("puts equal rows in their order, and no cosine above 1", () => {
  scope(() => {
    const one = randn([1, 6], { generator: new Generator(3) });
    using index = new NearestRows(one.repeat([5, 1]));
    const { rows, cosines } = index.find(one, 5);
    expect(rows).toEqual([[0, 1, 2, 3, 4]]);
    for (const value of cosines[0]) expect(value).toBeLessThanOrEqual(1);
  });
});
