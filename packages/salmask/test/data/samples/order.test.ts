import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/base/errors.js";
import { batches, epochOrder } from "../../../src/data/samples/order.js";

describe("epochOrder", () => {
  test("contains each id once and depends only on its key", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1000), fc.integer({ min: 1, max: 500 }), (seed, epoch, n) => {
        const order = epochOrder(seed, epoch, n);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(epochOrder(seed, epoch, n)).toEqual(order);
      }),
    );
  });

  test("another epoch or seed gives another order", () => {
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(1, 1, 100));
    expect(epochOrder(1, 0, 100)).not.toEqual(epochOrder(2, 0, 100));
  });

  test("each id is first about equally often", () => {
    const firsts = new Array<number>(8).fill(0);
    for (let epoch = 0; epoch < 4000; epoch++) firsts[epochOrder(5, epoch, 8)[0]]++;
    // 500 are expected for each; five standard deviations of a binomial are 105.
    for (const n of firsts) expect(Math.abs(n - 500)).toBeLessThan(105);
  });
});

describe("batches", () => {
  test("are full, in order, and leave out less than one batch", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }), (n, batchSize) => {
        fc.pre(batchSize <= n);
        const order = epochOrder(7, 0, n);
        const parts = batches(order, batchSize);
        for (const part of parts) expect(part).toHaveLength(batchSize);
        const flat = parts.flatMap((part) => Array.from(part));
        expect(flat).toEqual(Array.from(order.subarray(0, flat.length)));
        expect(n - flat.length).toBeLessThan(batchSize);
      }),
    );
  });

  test("a batch larger than the set is rejected with both numbers", () => {
    expect(() => batches(epochOrder(1, 0, 10), 11)).toThrow(UsageError);
    expect(() => batches(epochOrder(1, 0, 10), 11)).toThrow(/10.*11/s);
    expect(() => batches(epochOrder(1, 0, 10), 0)).toThrow(UsageError);
  });
});
