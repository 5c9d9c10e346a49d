import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { expect, test } from "vitest";
import { boxLoss } from "../../src/detection/losses.js";

const [found, wanted] = [
  Float32Array.of(0, 0.05, 1, -2, 0.5, 0, 3, 1),
  Float32Array.of(0, 0, 1.5, 1, 0.4, 0, 0, 1),
];

test.each([1 / 9, 0.3, 0])("the loss of boxes is smooth L1 with a corner at %d, per sample", (beta) => {
  const expected = found.reduce((sum, value, i) => {
    const apart = Math.abs(value - wanted[i]);
    return sum + (apart < beta ? (0.5 * apart ** 2) / beta : apart - 0.5 * beta);
  }, 0);
  scope(() => {
    const of = (values: Float32Array): Tensor => fromTypedArray(values, [2, 4]);
    expect(boxLoss(of(found), of(wanted), { samples: 7, beta }).item()).toBeCloseTo(expected / 7, 6);
  });
});
