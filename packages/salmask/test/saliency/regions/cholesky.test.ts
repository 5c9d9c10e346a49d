import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { choleskyInPlace, choleskySolve, diagonalOfInverse } from "../../../src/saliency/regions/cholesky.js";

describe("Cholesky's decomposition", () => {
  it("solves a random system, and gives the diagonal of the inverse", () => {
    const n = 23;
    const random = new KeyedRandom(4, 6);
    const factor = Float64Array.from({ length: n * n }, () => random.uniform() - 0.5);
    const matrix = Float64Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      let sum = i === j ? 0.1 : 0;
      for (let k = 0; k < n; k++) sum += factor[i * n + k] * factor[j * n + k];
      return sum;
    });
    const lower = matrix.slice();
    choleskyInPlace(lower, n);
    const times = (x: Float64Array) =>
      x.map((_, i) => x.reduce((sum, value, j) => sum + matrix[i * n + j] * value, 0));
    const wanted = Float64Array.from({ length: n }, () => random.uniform());
    for (const [i, value] of choleskySolve(lower, times(wanted)).entries())
      expect(value).toBeCloseTo(wanted[i], 8);
    for (const [i, value] of diagonalOfInverse(lower, n).entries()) {
      const unit = new Float64Array(n);
      unit[i] = 1;
      expect(choleskySolve(lower, unit)[i]).toBeCloseTo(value, 8);
    }
  });
});
