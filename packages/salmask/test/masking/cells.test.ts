import { KeyedRandom } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellCounts, drawCells, type MaskRole } from "../../src/masking/cells.js";

const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const split = fc
  .integer({ min: 1, max: 400 })
  .chain((total) => fc.record({ total: fc.constant(total), foreground: fc.integer({ min: 0, max: total }) }));

function draw(role: MaskRole, foreground: ArrayLike<number>, a: number, key: number): number[] {
  const out = new Uint8Array(foreground.length);
  drawCells(new KeyedRandom(key), role, Uint8Array.from(foreground), { ratio: a }, out);
  return Array.from(out);
}

describe("cellCounts", () => {
  it("gives a positive round(n a g) foreground and round(n a (1 - g)) background cells", () => {
    fc.assert(
      fc.property(split, ratio, ({ total, foreground }, a) => {
        const counts = cellCounts("positive", total, foreground, { ratio: a });
        const g = foreground / total;
        expect(Math.abs(counts.foreground - total * a * g)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(Math.abs(counts.background - total * a * (1 - g))).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(counts.foreground).toBeLessThanOrEqual(foreground);
        expect(counts.background).toBeLessThanOrEqual(total - foreground);
        expect(Math.min(counts.foreground, counts.background)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });

  it("never returns a negative count near gamma 1, unlike total minus rounded foreground", () => {
    let wouldBeNegative = 0;
    for (let foreground = 43; foreground <= 49; foreground++) {
      for (let a = 0.05; a <= 0.25; a += 0.001) {
        if (Math.floor(49 * a) - Math.round(a * foreground) < 0) wouldBeNegative++;
        const { background } = cellCounts("positive", 49, foreground, { ratio: a });
        expect(background).toBe(Math.round(a * (49 - foreground)));
        expect(background).toBeLessThanOrEqual(2);
      }
    }
    expect(wouldBeNegative).toBeGreaterThan(0);
  });

  it("removes from a negative the share of the object, at least one cell, at most 55 % of the crop, nothing else", () => {
    fc.assert(
      fc.property(split, ratio, ({ total, foreground }, a) => {
        const counts = cellCounts("negative", total, foreground, { ratio: a });
        expect(counts.background).toBe(0);
        const most = Math.max(1, Math.round(0.55 * total));
        const expected = foreground === 0 ? 0 : Math.min(most, Math.max(1, Math.round(a * foreground)));
        expect(counts.foreground).toBe(expected);
        expect(counts.foreground).toBeLessThanOrEqual(foreground);
      }),
      { numRuns: 2000 },
    );
  });

  it("divides a fixed total by foregroundShare; if one kind has too few cells, the other replaces them", () => {
    fc.assert(
      fc.property(split, ratio, ratio, ({ total, foreground }, a, foregroundShare) => {
        const counts = cellCounts("positive", total, foreground, { ratio: a, foregroundShare });
        const all = Math.round(a * total);
        expect(counts.foreground + counts.background).toBe(all);
        expect(counts.foreground).toBeLessThanOrEqual(foreground);
        expect(counts.background).toBeLessThanOrEqual(total - foreground);
        const wanted = Math.round(foregroundShare * all);
        if (wanted <= foreground && all - wanted <= total - foreground)
          expect(counts.foreground).toBe(wanted);
      }),
      { numRuns: 2000 },
    );
    expect(cellCounts("positive", 16, 6, { ratio: 0.25, foregroundShare: 1 })).toEqual({
      foreground: 4,
      background: 0,
    });
    expect(cellCounts("positive", 16, 6, { ratio: 0.25, foregroundShare: 0 })).toEqual({
      foreground: 0,
      background: 4,
    });
  });

  it("odds of 1 are the paper's division, count by count, whatever the shares", () => {
    fc.assert(
      fc.property(split, ratio, ({ total, foreground }, a) => {
        expect(cellCounts("positive", total, foreground, { ratio: a, odds: 1 })).toEqual({
          foreground: Math.min(foreground, Math.round(a * foreground)),
          background: Math.min(total - foreground, Math.round(a * (total - foreground))),
        });
      }),
      { numRuns: 2000 },
    );
  });

  it("odds w make a cell of the object w times as likely, at the same total, while both have enough cells", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 10_000 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        fc.double({ min: 0.01, max: 0.4, noNaN: true }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        (total, g, a, odds) => {
          const foreground = Math.round(g * total);
          const rest = total - foreground;
          const counts = cellCounts("positive", total, foreground, { ratio: a, odds });
          // Each count is rounded once.
          expect(Math.abs(counts.foreground + counts.background - a * total)).toBeLessThanOrEqual(1 + 1e-9);
          // p of the background solves foreground w p + rest p = a total, as long as neither exceeds its cells.
          const p = (a * total) / (foreground * odds + rest);
          if (p > 1 || odds * p > 1) return;
          expect(Math.abs(counts.background - rest * p)).toBeLessThanOrEqual(0.5 + 1e-6);
          expect(Math.abs(counts.foreground - foreground * odds * p)).toBeLessThanOrEqual(0.5 + 1e-6);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("odds of 0 and infinite mask one kind alone, and the other where that has no more cells", () => {
    const counts = (foreground: number, odds: number | "infinite", a = 0.25) =>
      cellCounts("positive", 16, foreground, { ratio: a, odds });
    expect(counts(6, "infinite")).toEqual({ foreground: 4, background: 0 });
    expect(counts(6, 0)).toEqual({ foreground: 0, background: 4 });
    expect(counts(2, "infinite")).toEqual({ foreground: 2, background: 2 });
    expect(counts(15, 0)).toEqual({ foreground: 3, background: 1 });
    expect(counts(16, 0)).toEqual({ foreground: 4, background: 0 });
    expect(counts(0, "infinite")).toEqual({ foreground: 0, background: 4 });
    // More and more of the object, with the total as it is.
    const curve = [0, 0.25, 0.5, 1, 2, 4, "infinite"] as const;
    expect(curve.map((odds) => counts(8, odds, 0.5))).toEqual([
      { foreground: 0, background: 8 },
      { foreground: 2, background: 6 },
      { foreground: 3, background: 5 },
      { foreground: 4, background: 4 },
      { foreground: 5, background: 3 },
      { foreground: 6, background: 2 },
      { foreground: 8, background: 0 },
    ]);
  });

  it("masks 27 of 49 cells at most, and reaches that without a jump", () => {
    const all = Array.from(
      { length: 1001 },
      (_, i) => cellCounts("negative", 49, 49, { ratio: i / 1000 }).foreground,
    );
    expect(Math.max(...all)).toBe(27);
    for (let i = 1; i < all.length; i++) {
      expect(all[i] - all[i - 1]).toBeGreaterThanOrEqual(0);
      expect(all[i] - all[i - 1]).toBeLessThanOrEqual(1);
    }
  });

  it("never masks less of a larger object, or for a larger ratio", () => {
    const roles = fc.constantFrom<MaskRole>("positive", "negative");
    fc.assert(
      fc.property(roles, split, ratio, ratio, (role, { total, foreground }, a, b) => {
        const count = (object: number, share: number) =>
          cellCounts(role, total, object, { ratio: share }).foreground;
        expect(count(foreground, Math.max(a, b))).toBeGreaterThanOrEqual(count(foreground, Math.min(a, b)));
        if (foreground > 0) expect(count(foreground, a)).toBeGreaterThanOrEqual(count(foreground - 1, a));
      }),
    );
  });
});

describe("drawCells", () => {
  const maps = fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 100 });

  it("masks as many cells of each kind as counted, negatives none of the background", () => {
    const roles = fc.constantFrom<MaskRole>("positive", "negative");
    fc.assert(
      fc.property(roles, maps, ratio, fc.nat(), (role, map, a, key) => {
        const masked = draw(role, map, a, key);
        const object = map.filter((on) => on === 1).length;
        const hit = map.filter((on, cell) => on === 1 && masked[cell] === 1).length;
        const missed = map.filter((on, cell) => on === 0 && masked[cell] === 1).length;
        expect({ foreground: hit, background: missed }).toEqual(
          cellCounts(role, map.length, object, { ratio: a }),
        );
      }),
    );
  });

  it("masks a foreground of one cell in every negative, and can mask a background of one", () => {
    for (let cell = 0; cell < 49; cell++) {
      const map = Array.from({ length: 49 }, (_, i) => (i === cell ? 1 : 0));
      expect(draw("negative", map, 0.4, cell)).toEqual(map);
      const others = map.map((on) => 1 - on);
      expect(draw("positive", others, 0.5, cell)[cell]).toBe(1);
    }
  });

  it("takes as many cells from the background or from anywhere as a negative loses of its object", () => {
    fc.assert(
      fc.property(maps, ratio, fc.nat(), fc.constantFrom("random", "background"), (map, a, key, what) => {
        const out = new Uint8Array(map.length);
        drawCells(new KeyedRandom(key), "negative", Uint8Array.from(map), { ratio: a, what }, out);
        const object = map.filter((on) => on === 1).length;
        const { foreground } = cellCounts("negative", map.length, object, { ratio: a });
        const pool = what === "random" ? map.length : map.length - object;
        expect(out.filter((on) => on === 1).length).toBe(Math.min(pool, foreground));
        if (what === "background") expect(map.some((on, cell) => on === 1 && out[cell] === 1)).toBe(false);
      }),
    );
  });

  it("draws every cell of the crop as often for a negative that loses random cells", () => {
    const map = Uint8Array.from({ length: 49 }, (_, cell) => Number(cell % 7 < 3)); // 21 cells
    const times = 4000;
    const counts = new Array<number>(49).fill(0);
    for (let key = 0; key < times; key++) {
      const out = new Uint8Array(49);
      drawCells(new KeyedRandom(key), "negative", map, { ratio: 0.5, what: "random" }, out);
      for (const [cell, on] of out.entries()) counts[cell] += on;
    }
    for (const count of counts) expect(Math.abs(count / times - 11 / 49)).toBeLessThan(0.033); // 5 deviations
  });

  it("masks equal shares of foreground and background, and every cell with the same probability", () => {
    const map = Array.from({ length: 49 }, (_, cell) => (cell % 7 < 3 ? 1 : 0)); // the left three columns: 21 cells
    const times = 4000;
    const counts = new Array<number>(49).fill(0);
    for (let key = 0; key < times; key++) {
      for (const [cell, on] of draw("positive", map, 0.25, key).entries()) counts[cell] += on;
    }
    for (const [cell, count] of counts.entries()) {
      const expected = map[cell] === 1 ? 5 / 21 : 7 / 28;
      expect(Math.abs(count / times - expected), `cell ${cell}`).toBeLessThan(0.035); // 5 deviations
    }
  });
});
