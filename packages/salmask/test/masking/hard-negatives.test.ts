import { fromTypedArray, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import type { Foreground } from "../../src/masking/foreground.js";
import {
  embedded,
  type HardNegatives,
  hardNegatives,
  type NegativeOptions,
  perQuery,
} from "../../src/masking/hard-negatives.js";
import type { MaskOptions } from "../../src/masking/mask.js";
import type { FillName } from "../../src/masking/settings.js";
import { foregroundCells } from "../../src/saliency/threshold.js";
import {
  changed,
  columns,
  crops,
  equal,
  foreground,
  grid,
  ids,
  key,
  left,
  none,
  right,
  total,
} from "./crops.js";

const { mask: paper } = configSchema.parse({});

interface Asked extends Pick<NegativeOptions, "count" | "of" | "what"> {
  readonly ratio: readonly [number, number];
  readonly objects: Foreground | null;
  readonly fill?: FillName;
  readonly cells?: MaskOptions["cells"];
}

/** The hard negatives of the crops, and these crops after `prepare`. */
function made({ objects, fill = "mean", cells = "saliency", ratio: [least, most], ...asked }: Asked) {
  const negative: NegativeOptions = { ...asked, ratio: [least, most] };
  const filling = fillOf({ ...paper, fill });
  const clean = filling.prepare(crops(2)); // [5, 3, 32, 32]
  const negatives: HardNegatives = hardNegatives(clean, objects, key, negative, {
    fill: filling,
    cells,
    grid,
  });
  return { clean, ...negatives };
}

describe("hardNegatives", () => {
  it("row m * B + i is negative m of crop i: its own pixels without its own object", () => {
    scope(() => {
      const objects = ids.map((_, i) => columns((col) => col === i % 4));
      const { clean, pixels, rows } = made({
        objects: foreground(objects),
        of: "own",
        count: 3,
        ratio: [0.5, 0.5],
      });
      expect(pixels.shape).toEqual([15, 3, 32, 32]);
      expect(rows).toBeNull();
      for (let m = 0; m < 3; m++) {
        for (const [i, cells] of changed(pixels.narrow(0, m * 5, 5), clean).entries()) {
          expect(total(cells)).toBe(2);
          for (const [cell, share] of cells.entries()) if (share > 0) expect(objects[i][cell]).toBe(1);
        }
      }
      expect(equal(pixels.narrow(0, 0, 5), pixels.narrow(0, 5, 5)), "negatives of one crop differ").toBe(
        false,
      );
    });
  });

  it("gives every query the first photo's negatives and their validity if they are shared", () => {
    for (const first of [left, none]) {
      scope(() => {
        const objects = foreground([first, none, right, right, none]);
        const negative = { objects, fill: "high-pass", count: 2, ratio: [0.5, 0.5] } as const;
        const [own, shared] = [made({ ...negative, of: "own" }), made({ ...negative, of: "shared" })];
        expect(shared.pixels.shape).toEqual([2, 3, 32, 32]);
        const seen = perQuery(shared.pixels, shared.rows); // [10, 3, 32, 32]
        expect(seen.shape).toEqual([10, 3, 32, 32]);
        for (let m = 0; m < 2; m++) {
          const ofFirst = own.pixels.select(0, m * 5);
          for (let i = 0; i < 5; i++) {
            const difference = seen.select(0, m * 5 + i).sub(ofFirst);
            expect(difference.abs().amax().item()).toBeLessThan(1e-5);
          }
        }
        expect(shared.valid.toArray()).toEqual(new Array(10).fill(first === left ? 1 : 0));
        expect(perQuery(own.pixels, own.rows)).toBe(own.pixels);
        const rows = seen.flatten({ startDim: 1 }); // [10, 3 * 32 * 32]
        const after = embedded(shared, shared.pixels.flatten({ startDim: 1 }));
        expect(equal(after.embeddings, rows)).toBe(true);
        expect(after.valid).toBe(shared.valid);
      });
    }
  });

  it("masks where the saliency is, left or right", () => {
    scope(() => {
      const value = (cell: number, col: number) => (cell % 4 === col ? 5 : 0);
      const maps = Float32Array.from({ length: 5 * 16 }, (_, i) => value(i % 16, Math.floor(i / 16) % 4));
      const objects = foregroundCells(fromTypedArray(maps, [5, 4, 4]), { rule: "mean" });
      const { clean, pixels } = made({ objects, of: "own", count: 1, ratio: [0.99, 1] });
      for (const [i, cells] of changed(pixels, clean).entries()) {
        expect(cells).toEqual(columns((col) => col === i % 4));
      }
    });
  });

  it("masks a foreground of one cell, and marks a negative without a foreground as invalid", () => {
    scope(() => {
      const one = Array.from({ length: 16 }, (_, cell) => (cell === 6 ? 1 : 0));
      const objects = foreground([one, none, one, none, one]);
      for (const fill of ["mean", "blur", "high-pass"] as const) {
        const { clean, pixels, valid } = made({ objects, fill, of: "own", count: 2, ratio: [0.4, 0.7] });
        expect(valid.dtype).toBe("bool");
        expect(valid.toArray()).toEqual([1, 0, 1, 0, 1, 1, 0, 1, 0, 1]);
        for (const [i, cells] of changed(pixels.narrow(0, 5, 5), clean).entries()) {
          if (i % 2 === 1) expect(total(cells)).toBe(0);
          else if (fill === "high-pass") expect(cells[6]).toBeGreaterThan(0.25);
          else expect(cells).toEqual(one);
        }
      }
    });
  });

  it("keeps the whole object if it loses background, and marks a crop without background as invalid", () => {
    scope(() => {
      const whole = columns(() => true);
      const objects = foreground([left, right, whole, none, left]);
      const asked = { objects, of: "own", count: 1, ratio: [0.5, 0.5] } as const;
      const { clean, pixels, valid } = made({ ...asked, what: "background" });
      expect(valid.toArray()).toEqual([1, 1, 0, 0, 1]);
      const cells = changed(pixels, clean);
      expect(cells.map(total)).toEqual([4, 4, 0, 0, 4]);
      for (const i of [0, 4])
        expect(cells[i].every((share, cell) => share === 0 || right[cell] === 1)).toBe(true);
      expect(changed(made({ ...asked, what: "random" }).pixels, clean).map(total)).toEqual([4, 4, 8, 0, 4]);
    });
  });

  it("uses cells of the whole crop for the random control, independent of saliency", () => {
    scope(() => {
      const asked = { cells: "random", of: "own", count: 1, ratio: [0.5, 0.5] } as const;
      const random = made({ ...asked, objects: foreground(ids.map(() => right)) });
      expect(equal(random.pixels, made({ ...asked, objects: null }).pixels)).toBe(true);
      const outside = changed(random.pixels, random.clean).flatMap((cells) =>
        cells.filter((_, i) => left[i] === 1),
      );
      expect(total(outside)).toBeGreaterThan(0);
      expect(random.valid.toArray()).toEqual([1, 1, 1, 1, 1]);
    });
  });

  it("throws if there is no foreground", () => {
    scope(() => {
      const asked = { of: "own", count: 1, ratio: [0.5, 0.5] } as const;
      expect(() => made({ ...asked, objects: null })).toThrow(/"random" to do without/);
      expect(() => made({ ...asked, objects: foreground([left]) })).toThrow(
        /5 crops of 4 x 4 cells, 80 in all, got 16/,
      );
    });
  });
});
