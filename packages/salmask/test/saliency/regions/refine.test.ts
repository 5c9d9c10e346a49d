import { fromTypedArray, KeyedRandom, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { refineAlongEdges } from "../../../src/saliency/regions/refine.js";

describe("refineAlongEdges", () => {
  it("draws a blurred, shifted map to the edges of the object, photo by photo", () => {
    scope(() => {
      const random = new KeyedRandom(1, 9);
      const isObject = (y: number, x: number) => y >= 16 && y < 40 && x >= 24 && x < 48;
      const square = Float32Array.from({ length: 3 * 4096 }, (_, i) => {
        const p = i % 4096;
        return 0.3 * random.uniform() + (isObject(Math.floor(p / 64), p % 64) ? 1.5 : 0);
      });
      const photos = fromTypedArray(Float32Array.from([...square, ...square.map((v) => -v)]), [2, 3, 64, 64]);
      // The square, some pixels off its place, on 8 x 8 cells.
      const shares = Float32Array.from({ length: 64 }, (_, cell) => {
        const pixels = Array.from({ length: 64 }, (_, p) => [
          8 * Math.floor(cell / 8) + Math.floor(p / 8),
          8 * (cell % 8) + (p % 8),
        ]);
        return pixels.filter(([y, x]) => isObject(y - 4, x + 4)).length / 64;
      });
      const maps = fromTypedArray(Float32Array.from([...shares, ...shares]), [2, 8, 8]);
      const fine = refineAlongEdges(maps, photos, { rows: 16, cols: 16 });
      expect(fine.shape).toEqual([2, 16, 16]);
      const wrong = (values: readonly number[], side: number) =>
        values.filter((value, i) => {
          const cell = i % side ** 2;
          const [y, x] = [Math.floor(cell / side), cell % side].map((at) => ((at + 0.5) * 64) / side);
          return value > 0.5 !== isObject(y, x);
        }).length / values.length;
      expect(wrong([...shares], 8)).toBeGreaterThan(0.07);
      expect(wrong(fine.select(0, 0).toArray(), 16)).toBeLessThan(0.03);
      expect(wrong(fine.select(0, 1).toArray(), 16)).toBeLessThan(0.03);
      for (const value of fine.toArray()) expect(value >= 0 && value <= 1).toBe(true);
      expect(refineAlongEdges(maps, photos).shape).toEqual([2, 8, 8]);
    });
  });
});
