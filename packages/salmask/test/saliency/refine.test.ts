import { fromTypedArray, KeyedRandom, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { refineAlongEdges } from "../../src/saliency/refine.js";

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
      // A bell of 8 x 8 cells, some pixels off the object's middle.
      const bell = Float32Array.from({ length: 64 }, (_, cell) => {
        const [y, x] = [8 * Math.floor(cell / 8) + 4, 8 * (cell % 8) + 4];
        return Math.exp(-((y - 32) ** 2 + (x - 32) ** 2) / (2 * 12 ** 2));
      });
      const maps = fromTypedArray(Float32Array.from([...bell, ...bell]), [2, 8, 8]);
      const fine = refineAlongEdges(maps, photos, { rows: 16, cols: 16 });
      expect(fine.shape).toEqual([2, 16, 16]);
      for (const [i, value] of fine.toArray().entries()) {
        const cell = i % 256;
        expect(value > 0.5).toBe(isObject(4 * Math.floor(cell / 16), 4 * (cell % 16)));
        expect(value >= 0 && value <= 1).toBe(true);
      }
      expect(refineAlongEdges(maps, photos).shape).toEqual([2, 8, 8]);
    });
  });
});
