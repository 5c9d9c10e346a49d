import { ops, scope, type Tensor, tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contrastiveLoss } from "../../src/ssl/moco-loss.js";

type Rows = number[][];

function unit(rows: Rows): Rows {
  return rows.map((row) => row.map((value) => value / Math.hypot(...row)));
}

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The loss as in the paper, one query at a time. */
function byHand(
  q: Rows,
  k: Rows,
  queue: Rows,
  negatives: Rows,
  valid: boolean[],
  t: number,
  rho: number,
): number {
  const losses = q.map((query, i) => {
    const positive = Math.exp(dot(query, k[i]) / t);
    const past = queue.reduce((sum, row) => sum + Math.exp(dot(query, row) / t), 0);
    const hard = negatives.reduce(
      (sum, row, j) => (j % q.length === i && valid[j] ? sum + Math.exp((rho * dot(query, row)) / t) : sum),
      0,
    );
    return -Math.log(positive / (positive + past + hard));
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const row = fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 });
const rows = (n: number) => fc.array(row, { minLength: n, maxLength: n }).map(unit);

describe("contrastiveLoss", () => {
  it("agrees with the paper's formula, each query with only its own negatives", () => {
    const inputs = fc.tuple(
      ...[rows(3), rows(3), rows(5), rows(6)],
      fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
    );
    fc.assert(
      fc.property(inputs, ([q, k, past, hard, valid, rho]) => {
        const [loss, expected] = scope(() => {
          const made = contrastiveLoss(
            {
              query: tensor(q),
              key: tensor(k),
              queue: tensor(past),
              negatives: { embeddings: tensor(hard), valid: tensor(valid.map(Number), { dtype: "bool" }) },
            },
            { temperature: 0.2, weight: rho },
          );
          return [made.loss.item(), byHand(q, k, past, hard, valid, 0.2, rho)];
        });
        expect(loss).toBeCloseTo(expected, 4);
      }),
      { numRuns: 50 },
    );
  });

  it("is log(1 + K) if all similarities are the same", () => {
    const same = (n: number): Tensor => tensor(Array.from({ length: n }, () => [1, 0]));
    const loss = scope(() => {
      const inputs = { query: same(2), key: same(2), queue: same(7), negatives: null };
      return contrastiveLoss(inputs, { temperature: 0.5, weight: 1 }).loss.item();
    });
    expect(loss).toBeCloseTo(Math.log(8), 5);
  });

  it("counts a query as correct if its key is nearer than the queue, for any hard negatives", () => {
    const accuracy = scope(() => {
      const eye = ops.eye(2);
      const inputs = {
        query: eye,
        key: tensor([
          [1, 0],
          [1, 0],
        ]),
        queue: tensor([[0.6, 0.8]]),
        negatives: { embeddings: eye, valid: tensor([1, 1], { dtype: "bool" }) },
      };
      return contrastiveLoss(inputs, { temperature: 0.2, weight: 2 }).contrastAccuracy.item();
    });
    expect(accuracy).toBe(0.5);
  });
});
