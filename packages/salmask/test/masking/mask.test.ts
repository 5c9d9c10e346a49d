import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import { gridFor } from "../../src/masking/grid.js";
import { type MaskOptions, maskCrops } from "../../src/masking/mask.js";
import type { FillName } from "../../src/masking/settings.js";
import { changed, crops, equal, foreground, grid, ids, key, left, total } from "./crops.js";

const { mask: paper } = configSchema.parse({});
const own = { ...key, view: 0 };
const objects = foreground(ids.map(() => left));

const options = (fill: FillName, over: Partial<MaskOptions> = {}): MaskOptions => ({
  fill: fillOf({ ...paper, fill }),
  cells: "saliency",
  grid,
  role: "positive",
  ratio: [0.5, 0.5],
  ...over,
});

describe("maskCrops", () => {
  it("replaces whole cells with the fill, and does not change the others", () => {
    for (const name of ["mean", "blur"] as const) {
      scope(() => {
        const input = crops();
        const given = options(name);
        const { pixels, draw } = maskCrops(input, objects, own, given);
        const context = { role: "positive", key: own } as const;
        const filled = given.fill.replacement(input, context).expand(input.shape);
        for (const cells of changed(pixels, input)) {
          expect(cells.filter((share) => share === 1)).toHaveLength(8);
          expect(cells.filter((share) => share === 0)).toHaveLength(8);
          expect(cells.filter((share, cell) => share === 1 && left[cell] === 1)).toHaveLength(4);
        }
        for (const [i, cells] of changed(pixels, filled).entries()) {
          const kept = changed(pixels, input)[i];
          expect(cells.map((share) => 1 - share)).toEqual(kept);
        }
        expect(total(Array.from(draw.maskedShare)) / ids.length).toBeCloseTo(0.5, 6);
      });
    }
  });

  it("masks n a cells over the whole crop for the random control, independent of saliency", () => {
    scope(() => {
      const input = crops();
      const given = options("mean", { cells: "random" });
      const random = maskCrops(input, objects, own, given).pixels;
      for (const cells of changed(random, input)) expect(total(cells)).toBe(8);
      expect(equal(random, maskCrops(input, null, own, given).pixels)).toBe(true);
    });
  });

  it("has no gradients, and does not change its input", () => {
    scope(() => {
      const input = crops();
      const before = input.clone();
      input.requiresGrad = true;
      for (const fill of ["mean", "blur", "high-pass"] as const) {
        expect(maskCrops(input, objects, own, options(fill)).pixels.requiresGrad).toBe(false);
        expect(equal(input.detach(), before)).toBe(true);
      }
    });
  });

  it("rejects guided masks without a foreground, and sizes other than the grid's", () => {
    scope(() => {
      const mask = (objects: ReturnType<typeof foreground> | null, over: Partial<MaskOptions> = {}) =>
        maskCrops(crops(), objects, own, options("mean", over));
      expect(() => mask(null)).toThrow(/foreground of every crop/);
      expect(() => mask(null, { role: "negative" })).toThrow(/"random" to do without/);
      expect(() => mask(foreground([left]))).toThrow(/5 crops of 4 x 4 cells, 80 in all, got 16/);
      expect(() => mask(objects, { grid: gridFor(64, 8) })).toThrow(/64 x 64 pixels.*got 32 x 32/);
    });
  });
});
