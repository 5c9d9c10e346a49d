import { fromTypedArray, Generator, KeyedRandom, randn, scope, type Tensor } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import { gridFor } from "../../src/masking/grid.js";
import { type Crops, type MaskedViews, maskViews, negativesOfQueries } from "../../src/masking/mask.js";
import type { MaskOptions } from "../../src/masking/settings.js";
import { type Foreground, foregroundCells } from "../../src/saliency/threshold.js";

const grid = gridFor(32, 8); // 4 x 4 cells
const paper: MaskOptions = configSchema.parse({}).mask;
const mean: MaskOptions = { ...paper, fill: "mean" };
const ids = [4, 0, 9, 2, 7];
const key = { seed: 3, epoch: 1, ids };

function foreground(maps: readonly (readonly number[])[]): Foreground {
  return {
    cells: Uint8Array.from(maps.flat()),
    shares: Float64Array.from(maps, (map) => map.reduce((a, b) => a + b, 0) / map.length),
  };
}

const columns = (on: (col: number) => boolean) =>
  Array.from({ length: 16 }, (_, cell) => (on(cell % 4) ? 1 : 0));
const left = columns((col) => col < 2);
const right = columns((col) => col >= 2);

/** Random crops, objects on the left in queries and on the right in keys. */
function crops(over: Partial<Crops> = {}): Crops {
  return {
    query: randn([5, 3, 32, 32], { generator: new Generator(1) }),
    key: randn([5, 3, 32, 32], { generator: new Generator(2) }),
    queryForeground: foreground(ids.map(() => left)),
    keyForeground: foreground(ids.map(() => right)),
    ...over,
  };
}

/** `[N, 16]`: the share of each cell's values that differ, of N views. */
function changed(view: Tensor, clean: Tensor): number[][] {
  const differs = view.ne(clean).to({ dtype: "float32" }).mean([1], { keepdim: true }); // [N, 1, H, W]
  const cells = differs.adaptiveAvgPool2d([4, 4]).toArray();
  return Array.from({ length: view.shape[0] }, (_, i) => cells.slice(i * 16, (i + 1) * 16));
}

const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

function equal(a: Tensor, b: Tensor): boolean {
  return a.shape.join() === b.shape.join() && a.ne(b).to({ dtype: "float32" }).amax().item() === 0;
}

describe("maskViews", () => {
  it("masks the branch that is named, and nothing else", () => {
    scope(() => {
      const input = crops();
      for (const branch of ["query", "key", "both", "none"] as const) {
        const masked = maskViews(input, key, grid, { ...mean, branch, ratio: [0.3, 0.5] });
        expect(equal(masked.query, input.query), branch).toBe(branch === "key" || branch === "none");
        expect(equal(masked.key, input.key), branch).toBe(branch === "query" || branch === "none");
        expect(masked.negatives?.shape).toEqual([5, 3, 32, 32]);
        expect(masked.maskedShare > 0).toBe(branch !== "none");
      }
    });
  });

  it("replaces whole cells by the fill, and leaves the others as they were", () => {
    for (const fill of ["mean", "blur"] as const) {
      scope(() => {
        const input = crops();
        const options: MaskOptions = { ...paper, fill, ratio: [0.5, 0.5] };
        const { query, maskedShare } = maskViews(input, key, grid, options);
        const context = { role: "positive", key: { ...key, view: 0 } } as const;
        const filled = fillOf(options).replacement(input.query, context).expand(input.query.shape);
        for (const cells of changed(query, input.query)) {
          expect(cells.filter((share) => share === 1)).toHaveLength(8);
          expect(cells.filter((share) => share === 0)).toHaveLength(8);
          expect(cells.filter((share, cell) => share === 1 && left[cell] === 1)).toHaveLength(4);
        }
        for (const [i, cells] of changed(query, filled).entries()) {
          const kept = changed(query, input.query)[i];
          expect(cells.map((share) => 1 - share)).toEqual(kept);
        }
        expect(maskedShare).toBeCloseTo(0.5, 6);
      });
    }
  });

  it("filters both views and the negatives for high-pass, masked or not", () => {
    scope(() => {
      const input = crops();
      const fill = fillOf(paper);
      const [query, clean] = [fill.prepare(input.query), fill.prepare(input.key)];
      const none = maskViews(input, key, grid, { ...paper, branch: "none" });
      expect(equal(none.query, query)).toBe(true);
      expect(equal(none.key, clean)).toBe(true);
      const masked = maskViews(input, key, grid, paper);
      const values = masked.query.ne(query).to({ dtype: "float32" }).mean();
      expect(values.item()).toBeCloseTo(masked.maskedShare, 5);
      expect(total(changed(masked.negatives ?? clean, clean).flat())).toBeGreaterThan(0);
    });
  });

  it("makes negative m of key i row m * B + i: that key's own crop, less its own object", () => {
    scope(() => {
      const objects = ids.map((_, i) => columns((col) => col === i % 4));
      const input = crops({ keyForeground: foreground(objects) });
      const { negatives } = maskViews(input, key, grid, {
        ...mean,
        negative: { of: "own", count: 3, ratio: [0.5, 0.5] },
      });
      expect(negatives?.shape).toEqual([15, 3, 32, 32]);
      if (negatives === null) return;
      for (let m = 0; m < 3; m++) {
        for (const [i, cells] of changed(negatives.narrow(0, m * 5, 5), input.key).entries()) {
          expect(total(cells)).toBe(2);
          for (const [cell, share] of cells.entries()) if (share > 0) expect(objects[i][cell]).toBe(1);
        }
      }
      expect(equal(negatives.narrow(0, 0, 5), negatives.narrow(0, 5, 5)), "negatives of one key differ").toBe(
        false,
      );
    });
  });

  it("gives every query the first photo's negatives and their validity where they are shared", () => {
    const none = new Array(16).fill(0);
    for (const first of [left, none]) {
      scope(() => {
        const input = crops({ keyForeground: foreground([first, none, right, right, none]) });
        const negative = { count: 2, ratio: [0.5, 0.5] } as const;
        const made = (of: "own" | "shared") =>
          maskViews(input, key, grid, { ...paper, negative: { ...negative, of } });
        const [own, shared] = [made("own"), made("shared")];
        if (own.negatives === null || shared.negatives === null) throw new Error("expected negatives");
        expect(shared.negatives.shape).toEqual([2, 3, 32, 32]);
        const seen = negativesOfQueries(shared.negatives, shared); // [10, 3, 32, 32]
        expect(seen.shape).toEqual([10, 3, 32, 32]);
        for (let m = 0; m < 2; m++) {
          const ofFirst = own.negatives.select(0, m * 5);
          for (let i = 0; i < 5; i++) {
            expect(
              seen
                .select(0, m * 5 + i)
                .sub(ofFirst)
                .abs()
                .amax()
                .item(),
            ).toBeLessThan(1e-5);
          }
        }
        expect(shared.negativeValid?.toArray()).toEqual(new Array(10).fill(first === left ? 1 : 0));
        expect(negativesOfQueries(own.negatives, own)).toBe(own.negatives);
        expect(equal(shared.query, own.query) && equal(shared.key, own.key)).toBe(true);
      });
    }
  });

  it("guides by where saliency lies, left or right", () => {
    scope(() => {
      const value = (cell: number, col: number) => (cell % 4 === col ? 5 : 0);
      const maps = Float32Array.from({ length: 5 * 16 }, (_, i) => value(i % 16, Math.floor(i / 16) % 4));
      const keyForeground = foregroundCells(fromTypedArray(maps, [5, 4, 4]), { rule: "mean" });
      const input = crops({ keyForeground });
      const { negatives } = maskViews(input, key, grid, {
        ...mean,
        negative: { of: "own", count: 1, ratio: [0.99, 1] },
      });
      if (negatives === null) throw new Error("expected negatives");
      for (const [i, cells] of changed(negatives, input.key).entries()) {
        expect(cells).toEqual(columns((col) => col === i % 4));
      }
    });
  });

  it("masks a foreground of one cell, and calls a negative without any invalid", () => {
    scope(() => {
      const one = Array.from({ length: 16 }, (_, cell) => (cell === 6 ? 1 : 0));
      const none = new Array(16).fill(0);
      const input = crops({ keyForeground: foreground([one, none, one, none, one]) });
      for (const fill of ["mean", "blur", "high-pass"] as const) {
        const options: MaskOptions = { ...paper, fill, negative: { of: "own", count: 2, ratio: [0.4, 0.7] } };
        const { key: clean, negatives, negativeValid } = maskViews(input, key, grid, options);
        expect(negativeValid?.dtype).toBe("bool");
        expect(negativeValid?.toArray()).toEqual([1, 0, 1, 0, 1, 1, 0, 1, 0, 1]);
        if (negatives === null) return;
        for (const [i, cells] of changed(negatives.narrow(0, 5, 5), clean).entries()) {
          if (i % 2 === 1) expect(total(cells)).toBe(0);
          else if (fill === "high-pass") expect(cells[6]).toBeGreaterThan(0.25);
          else expect(cells).toEqual(one);
        }
      }
    });
  });

  it("masks n a cells over the whole crop for the random control, whatever the saliency", () => {
    scope(() => {
      const options: MaskOptions = {
        ...mean,
        cells: "random",
        ratio: [0.5, 0.5],
        negative: { of: "own", count: 1, ratio: [0.5, 0.5] },
      };
      const input = crops();
      const random = maskViews(input, key, grid, options);
      for (const cells of changed(random.query, input.query)) expect(total(cells)).toBe(8);
      const blind = maskViews({ ...input, queryForeground: null, keyForeground: null }, key, grid, options);
      expect(equal(random.query, blind.query)).toBe(true);
      if (random.negatives === null || blind.negatives === null) throw new Error("expected negatives");
      expect(equal(random.negatives, blind.negatives)).toBe(true);
      expect(
        total(changed(random.negatives, input.key).flatMap((cells) => cells.filter((_, i) => left[i] === 1))),
      ).toBeGreaterThan(0);
      expect(random.negativeValid?.toArray()).toEqual([1, 1, 1, 1, 1]);
    });
  });

  it("does nothing at all for fill none, and makes no negatives where none are asked for", () => {
    scope(() => {
      const input = crops({ queryForeground: null, keyForeground: null });
      const plain = maskViews(input, key, grid, { ...paper, fill: "none" });
      expect(equal(plain.query, input.query) && equal(plain.key, input.key)).toBe(true);
      expect([plain.negatives, plain.negativeValid, plain.maskedShare]).toEqual([null, null, 0]);
      const zero = maskViews(crops(), key, grid, {
        ...mean,
        negative: { of: "own", count: 0, ratio: [0.4, 0.7] },
      });
      expect([zero.negatives, zero.negativeValid]).toEqual([null, null]);
    });
  });

  it("gives an image the same views whatever the batch, in every fill", () => {
    const fills = fc.constantFrom<MaskOptions["fill"]>("high-pass", "blur", "mean");
    const some = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 });
    const random = new KeyedRandom(8);
    const maps = ids.map(() => Array.from({ length: 16 }, () => (random.uniform() < 0.5 ? 1 : 0)));
    fc.assert(
      fc.property(fills, some, (fill, rows) =>
        scope(() => {
          const options: MaskOptions = { ...paper, fill, branch: "both" };
          const whole = crops({ queryForeground: foreground(maps), keyForeground: foreground(maps) });
          const index = fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length]);
          const chosen = foreground(rows.map((row) => maps[row]));
          const part: Crops = {
            query: whole.query.indexSelect(0, index),
            key: whole.key.indexSelect(0, index),
            queryForeground: chosen,
            keyForeground: chosen,
          };
          const all = maskViews(whole, key, grid, options);
          const own = maskViews(part, { ...key, ids: rows.map((row) => ids[row]) }, grid, options);
          for (const name of ["query", "key", "negatives"] as const satisfies (keyof MaskedViews)[]) {
            const [mine, theirs] = [own[name], all[name]?.indexSelect(0, index)];
            if (mine === null || theirs === undefined) throw new Error("expected negatives");
            expect(mine.sub(theirs).abs().amax().item()).toBeLessThan(1e-5);
          }
        }),
      ),
      { numRuns: 12 },
    );
  });

  it("takes no part in gradients, and leaves its inputs alone", () => {
    scope(() => {
      const input = crops();
      const before = input.query.clone();
      input.query.requiresGrad = true;
      const masked = maskViews(input, key, grid, paper);
      expect(masked.query.requiresGrad).toBe(false);
      expect(equal(input.query.detach(), before)).toBe(true);
    });
  });

  it("refuses guided masks without a foreground, and sizes that are not the grid's", () => {
    scope(() => {
      expect(() => maskViews(crops({ queryForeground: null }), key, grid, mean)).toThrow(
        /foreground of every crop/,
      );
      expect(() => maskViews(crops({ keyForeground: null }), key, grid, mean)).toThrow(
        /"random" to do without/,
      );
      expect(() => maskViews(crops({ keyForeground: foreground([left]) }), key, grid, mean)).toThrow(
        /5 crops of 4 x 4 cells, 80 in all, but 16 came/,
      );
      expect(() => maskViews(crops(), key, gridFor(64, 8), mean)).toThrow(/64 x 64 pixels.*32 x 32 came/);
    });
  });
});
