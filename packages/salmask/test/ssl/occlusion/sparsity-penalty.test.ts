import { fromTypedArray, ops, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { sparsityPenalty } from "../../../src/ssl/occlusion/sparsity-penalty.js";

/** Masks [1, areas, 10, 10]; all values of a mask equal its area. */
const masksOf = (areas: readonly number[]) =>
  fromTypedArray(
    Float32Array.from({ length: 100 * areas.length }, (_, i) => areas[Math.floor(i / 100)]),
    [1, areas.length, 10, 10],
  );

describe("sparsityPenalty", () => {
  it("is the sum over masks of 1 / sin(pi a), and the mean over photos", () => {
    scope(() => {
      const areas = [0.5, 0.1, 0.37, 0.9];
      const expected = areas.reduce((sum, a) => sum + 1 / Math.sin(Math.PI * a), 0);
      const masks = masksOf(areas);
      expect(sparsityPenalty(masks).item()).toBeCloseTo(expected, 3);
      expect(sparsityPenalty(ops.cat([masks, masks])).item()).toBeCloseTo(expected, 3);
      expect(sparsityPenalty(masksOf([0.5])).item()).toBeCloseTo(1, 5);
    });
  });

  it("is finite for empty and full masks, and its gradient makes nearly empty ones grow", () => {
    scope(() => {
      expect(Number.isFinite(sparsityPenalty(masksOf([0, 1])).item())).toBe(true);
      const masks = masksOf([0.05, 0.95]);
      masks.requiresGrad = true;
      sparsityPenalty(masks).backward();
      const gradient = masks.grad?.toArray() ?? [];
      expect(gradient[0]).toBeLessThan(0);
      expect(gradient[100]).toBeGreaterThan(0);
    });
  });
});
