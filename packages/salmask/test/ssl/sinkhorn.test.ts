import { Generator, randn, scope, tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Goldens, relativeError } from "../../../torch/test/support/goldens.js";
import { sinkhorn } from "../../src/ssl/sinkhorn.js";

const sums = (values: Float32Array, prototypes: number) => {
  const rows = values.length / prototypes;
  const row = Array.from({ length: rows }, (_, i) =>
    values.subarray(i * prototypes, (i + 1) * prototypes).reduce((sum, value) => sum + value, 0),
  );
  const column = Array.from({ length: prototypes }, (_, k) =>
    Array.from({ length: rows }, (_, i) => values[i * prototypes + k]).reduce((sum, value) => sum + value, 0),
  );
  return { row, column };
};

describe("sinkhorn", () => {
  it("is the released code's, computed in float64", () => {
    const goldens = Goldens.make(new URL("sinkhorn_golden.py", import.meta.url));
    for (const name of goldens.names("scores/")) {
      const [epsilon, iterations] = goldens.array(`options/${name}`);
      const codes = scope(() =>
        sinkhorn(goldens.tensor(`scores/${name}`), { epsilon, iterations }).toFloat32Array(),
      );
      expect(relativeError(codes, goldens.array(`codes/${name}`)), name).toBeLessThan(2e-5);
    }
  });

  it("gives rows with a sum of 1, and after many iterations equal shares to all prototypes", () => {
    const size = fc.integer({ min: 2, max: 12 });
    fc.assert(
      fc.property(size, size, fc.integer(), (rows, prototypes, seed) => {
        const codes = scope(() =>
          sinkhorn(randn([rows, prototypes], { generator: new Generator(seed >>> 0) }), {
            epsilon: 0.5,
            iterations: 300,
          }).toFloat32Array(),
        );
        const { row, column } = sums(codes, prototypes);
        for (const sum of row) expect(sum).toBeCloseTo(1, 4);
        for (const sum of column) expect(sum * (prototypes / rows)).toBeCloseTo(1, 3);
      }),
      { numRuns: 25 },
    );
  });

  it("does not change when all scores rise, and stays finite where exponentials would not", () => {
    const scores = [
      [1, -1, 0.2],
      [0.9, -1, 0.1],
      [0.3, 0.2, -0.9],
    ];
    const codes = (by: number, epsilon: number) =>
      scope(() => sinkhorn(tensor(scores).add(by), { epsilon, iterations: 3 }).toArray());
    for (const [i, value] of codes(3, 0.05).entries()) expect(value).toBeCloseTo(codes(0, 0.05)[i], 4);
    for (const value of codes(0, 0.002)) expect(value >= 0 && value <= 1).toBe(true);
  });
});
