import { Generator, optim, randn, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { SimClr, type SimClrOptions } from "../../src/ssl/simclr.js";
import type { BatchViews } from "../../src/views/view.js";
import { batchOf, compare, negativesOf } from "./compare.js";

const options: SimClrOptions = {
  seed: 3,
  temperature: 0.2,
  negativeWeight: 2,
  encoder: { backbone: { arch: "resnet18", stem: "small", width: 4 }, dim: 8 },
};

function withMethod<T>(use: (method: SimClr) => T): T {
  const method = new SimClr(options);
  try {
    return use(method);
  } finally {
    method.learned.zeroGrad();
    method.dispose();
  }
}

/** Random views of four photos, with hard negatives if requested. */
function views(negatives: boolean): BatchViews {
  const generator = new Generator(5);
  const batch = () => randn([4, 3, 16, 16], { generator });
  const [query, key] = [batch(), batch()];
  return batchOf(query, key, negatives ? negativesOf(batch(), 4) : null);
}

describe("SimClr", () => {
  it("learns to distinguish a batch's photos, also from hard negatives", () => {
    const [first, last] = withMethod((method) => {
      const optimizer = new optim.SGD(method.learned.namedParameters(), { lr: 0.003, momentum: 0.9 });
      const losses = Array.from({ length: 12 }, () =>
        scope(() => {
          const { loss } = compare(method, views(true));
          loss.backward();
          optimizer.step();
          optimizer.zeroGrad();
          return loss.item();
        }),
      );
      optimizer.dispose();
      return [losses[0], losses[losses.length - 1]];
    });
    expect(last).toBeLessThan(first / 10);
  });

  it("has a higher loss with hard negatives than without", () => {
    const loss = (negatives: boolean) =>
      withMethod((method) => scope(() => compare(method, views(negatives)).loss.item()));
    expect(loss(true)).toBeGreaterThan(loss(false));
  });

  it("gives the same loss for one shared negative as for copies of it", () => {
    const loss = (rows: Int32Array | null) =>
      withMethod((method) =>
        scope(() => {
          // In evaluation, copies do not change batch statistics, so only the comparison can differ.
          method.encoder.eval();
          const one = randn([1, 3, 16, 16], { generator: new Generator(6) });
          const negatives = negativesOf(rows === null ? one.repeat([4, 1, 1, 1]) : one, 4, rows);
          return compare(method, { ...views(false), negatives }).loss.item();
        }),
      );
    expect(loss(Int32Array.of(0, 0, 0, 0))).toBeCloseTo(loss(null), 5);
  });

  it("continues from its state as if it had never stopped", () => {
    withMethod((one) => {
      const optimizer = new optim.SGD(one.learned.namedParameters(), { lr: 0.05 });
      scope(() => {
        compare(one, views(false)).loss.backward();
        optimizer.step();
        optimizer.zeroGrad();
      });
      optimizer.dispose();
      withMethod((other) => {
        scope(() => other.loadState(one.state()));
        const loss = (method: SimClr) => scope(() => compare(method, views(false)).loss.item());
        expect(loss(other)).toBe(loss(one));
      });
    });
  });
});
