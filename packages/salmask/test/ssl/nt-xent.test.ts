import { scope, tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ntXent } from "../../src/ssl/nt-xent.js";

type Rows = number[][];

const unit = (rows: Rows): Rows => rows.map((row) => row.map((value) => value / Math.hypot(...row)));
const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** Equation 1 of SimCLR, row by row, with the photo's own hard negatives in its first view's row. */
function byHand(first: Rows, second: Rows, hard: Rows, valid: boolean[], t: number, rho: number): number {
  const batch = first.length;
  const views = [...first, ...second];
  const losses = views.map((view, i) => {
    const similarity = views.map((other) => Math.exp(dot(view, other) / t));
    const others = similarity.reduce((sum, value, j) => (j === i ? sum : sum + value), 0);
    const own = hard.reduce(
      (sum, row, j) =>
        i < batch && j % batch === i && valid[j] ? sum + Math.exp((rho * dot(view, row)) / t) : sum,
      0,
    );
    return -Math.log(similarity[(i + batch) % (2 * batch)] / (others + own));
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const row = fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
const rows = (n: number) => fc.array(row, { minLength: n, maxLength: n }).map(unit);

describe("ntXent", () => {
  it("agrees with SimCLR's formula, with a hard negative as one more column of its first view's row", () => {
    const inputs = fc.tuple(
      ...[rows(3), rows(3), rows(6)],
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
    );
    fc.assert(
      fc.property(inputs, ([first, second, hard, valid, rho]) => {
        const loss = scope(() => {
          const given = {
            first: tensor(first),
            second: tensor(second),
            negatives: { embeddings: tensor(hard), valid: tensor(valid.map(Number), { dtype: "bool" }) },
          };
          return ntXent(given, { temperature: 0.2, weight: rho }).loss.item();
        });
        expect(loss).toBeCloseTo(byHand(first, second, hard, valid, 0.2, rho), 4);
      }),
      { numRuns: 50 },
    );
  });

  it("is log(2B - 1) if all similarities are the same", () => {
    const same = [1, 2, 3, 4].map(() => [0, 1]);
    const loss = scope(() => {
      const given = { first: tensor(same), second: tensor(same), negatives: null };
      return ntXent(given, { temperature: 0.5, weight: 1 }).loss.item();
    });
    expect(loss).toBeCloseTo(Math.log(7), 5);
  });

  it("does not change if the two views are swapped and there is no hard negative", () => {
    fc.assert(
      fc.property(rows(4), rows(4), (a, b) => {
        const loss = (first: Rows, second: Rows) =>
          scope(() => {
            const given = {
              first: tensor(first),
              second: tensor(second),
              negatives: null,
            };
            return ntXent(given, { temperature: 0.3, weight: 1 }).loss.item();
          });
        expect(loss(a, b)).toBeCloseTo(loss(b, a), 4);
      }),
      { numRuns: 30 },
    );
  });

  it("counts the first views that are nearest to their second", () => {
    const first = [
      [1, 0],
      [0, 1],
    ];
    const second = unit([
      [1, 0.1],
      [1, 0.2],
    ]);
    const accuracy = scope(() => {
      const given = { first: tensor(first), second: tensor(second), negatives: null };
      return ntXent(given, { temperature: 0.3, weight: 1 }).contrastAccuracy.item();
    });
    expect(accuracy).toBe(1);
    const swapped = scope(() => {
      const given = {
        first: tensor(first),
        second: tensor([...second].reverse()),
        negatives: null,
      };
      return ntXent(given, { temperature: 0.3, weight: 1 }).contrastAccuracy.item();
    });
    expect(swapped).toBe(0);
  });

  it("sends no gradient to another photo's hard negative, or to an excluded one", () => {
    scope(() => {
      const hard = tensor(
        unit([
          [1, 1],
          [1, 2],
        ]),
      );
      hard.requiresGrad = true;
      const first = tensor([
        [1, 0],
        [0, 1],
      ]);
      const valid = tensor([1, 0], { dtype: "bool" });
      const { loss } = ntXent(
        { first, second: first, negatives: { embeddings: hard, valid } },
        { temperature: 0.5, weight: 2 },
      );
      loss.backward();
      const [own, left] = [hard.grad?.select(0, 0).toArray(), hard.grad?.select(0, 1).toArray()];
      expect(own?.[0]).toBeGreaterThan(0);
      expect(left).toEqual([0, 0]);
      hard.grad?.dispose();
    });
  });
});
