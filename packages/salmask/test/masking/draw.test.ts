import { scope } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellCounts, type MaskRole } from "../../src/masking/cells.js";
import { drawMasks, type MaskDraw, type MaskDrawOptions, type MaskKey } from "../../src/masking/draw.js";
import { type Grid, gridFor } from "../../src/masking/grid.js";
import { maskPixels } from "../../src/masking/pixels.js";

const paper = gridFor(224, 32);
const cellsOnly = { focal: 0, channelwise: 0 };
const highPass = { focal: 0.2, channelwise: 0.7 };
const ids = (batch: number) => Int32Array.from({ length: batch }, (_, i) => i);
const key = (batch: number, view = 0): MaskKey => ({ seed: 1, epoch: 2, ids: ids(batch), view });
const positive = (shapes = cellsOnly): MaskDrawOptions => ({ role: "positive", ratio: [0.05, 0.25], shapes });
const negative = (shapes = cellsOnly): MaskDrawOptions => ({ role: "negative", ratio: [0.4, 0.7], shapes });

/** The same map for each image of a batch. */
const repeated = (map: ArrayLike<number>, batch: number) =>
  Uint8Array.from({ length: map.length * batch }, (_, i) => map[i % map.length]);

function planes(draw: MaskDraw, image: number): string[] {
  const size = draw.cells.length / draw.windows.length / draw.channels;
  return Array.from({ length: draw.channels }, (_, c) =>
    draw.cells.subarray((image * draw.channels + c) * size, (image * draw.channels + c + 1) * size).join(""),
  );
}

const shapeChances = fc.record({
  focal: fc.double({ min: 0, max: 1, noNaN: true }),
  channelwise: fc.double({ min: 0, max: 1, noNaN: true }),
});
const roles = fc.constantFrom<MaskRole>("positive", "negative");
const grids = fc
  .record({
    rows: fc.integer({ min: 1, max: 9 }),
    cols: fc.integer({ min: 1, max: 9 }),
    cell: fc.integer({ min: 2, max: 12 }),
  })
  .chain((grid) =>
    fc.record({
      grid: fc.constant<Grid>(grid),
      maps: fc.array(fc.constantFrom(0, 1), {
        minLength: 5 * grid.rows * grid.cols,
        maxLength: 5 * grid.rows * grid.cols,
      }),
    }),
  );

describe("drawMasks", () => {
  it("draws the ratio within its range: 7.36 of 49 cells of a query on average", () => {
    const batch = 3000;
    const draw = drawMasks(repeated(new Array(49).fill(1), batch), key(batch), paper, positive());
    const counts = Array.from(draw.maskedShare, (share) => Math.round(share * 49));
    expect(Math.min(...counts)).toBe(2);
    expect(Math.max(...counts)).toBe(12);
    // Rounding is unbiased, so the mean is 49 x 0.15 = 7.35; 5 standard deviations of the mean are 0.26.
    expect(Math.abs(counts.reduce((a, b) => a + b) / batch - 7.35)).toBeLessThan(0.26);
  });

  it("draws the same for an image in any batch and any order", () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 1 });
    fc.assert(
      fc.property(
        grids,
        order,
        roles,
        shapeChances,
        fc.nat(3),
        ({ grid, maps }, some, role, shapes, view) => {
          const size = grid.rows * grid.cols;
          const options: MaskDrawOptions = { role, ratio: [0.1, 0.6], shapes };
          const all = drawMasks(Uint8Array.from(maps), key(5, view), grid, options);
          const chosen = Uint8Array.from(some.flatMap((id) => maps.slice(id * size, (id + 1) * size)));
          const part = drawMasks(chosen, { ...key(5, view), ids: some }, grid, options);
          for (const [i, id] of some.entries()) {
            expect(planes(part, i)).toEqual(planes(all, id));
            expect(part.windows[i]).toEqual(all.windows[id]);
            expect(part.valid[i]).toBe(all.valid[id]);
          }
        },
      ),
    );
  });

  it("draws differently for another seed, epoch, image or view", () => {
    const map = repeated(new Array(49).fill(1), 1);
    const base = { seed: 1, epoch: 1, ids: [1], view: 1 };
    const options: MaskDrawOptions = { role: "positive", ratio: [0.5, 0.5], shapes: cellsOnly };
    const variants = [
      base,
      { ...base, seed: 2 },
      { ...base, epoch: 2 },
      { ...base, ids: [2] },
      { ...base, view: 2 },
    ];
    const drawn = variants.map((variant) => planes(drawMasks(map, variant, paper, options), 0)[0]);
    expect(new Set(drawn).size).toBe(variants.length);
  });

  it("gives 20 % of high-pass masks a window, 24 % one set of cells, 56 % a set for each channel", () => {
    const batch = 4000;
    const map = Array.from({ length: 49 }, (_, cell) => (cell < 25 ? 1 : 0));
    const options: MaskDrawOptions = { role: "positive", ratio: [0.2, 0.25], shapes: highPass };
    const draw = drawMasks(repeated(map, batch), key(batch), paper, options);
    const kinds = { focal: 0, spatial: 0, channelwise: 0 };
    for (const [i, window] of draw.windows.entries()) {
      if (window !== null) kinds.focal++;
      else kinds[new Set(planes(draw, i)).size === 1 ? "spatial" : "channelwise"]++;
    }
    expect(Math.abs(kinds.focal / batch - 0.2)).toBeLessThan(0.032);
    expect(Math.abs(kinds.spatial / batch - 0.24)).toBeLessThan(0.034);
    expect(Math.abs(kinds.channelwise / batch - 0.56)).toBeLessThan(0.04);
  });

  it("masks the counted cells in every channel, drawn separately", () => {
    const map = Array.from({ length: 49 }, (_, cell) => (cell % 7 < 4 ? 1 : 0)); // 28 cells
    const options: MaskDrawOptions = {
      role: "negative",
      ratio: [0.5, 0.5],
      shapes: { focal: 0, channelwise: 1 },
    };
    const draw = drawMasks(repeated(map, 20), key(20), paper, options);
    for (let i = 0; i < 20; i++) {
      expect(new Set(planes(draw, i)).size).toBe(3);
      for (const plane of planes(draw, i)) {
        const hit = Array.from(plane, (on, cell) => (on === "1" ? map[cell] : -1)).filter((on) => on >= 0);
        expect(hit).toEqual(new Array(cellCounts("negative", 49, 28, { ratio: 0.5 }).foreground).fill(1));
      }
    }
  });

  it("puts windows on the object, within the crop, with the paper's area", () => {
    const always = { focal: 1, channelwise: 0 };
    fc.assert(
      fc.property(grids, roles, ({ grid, maps }, role) => {
        const size = grid.rows * grid.cols;
        const draw = drawMasks(Uint8Array.from(maps), key(5), grid, { role, ratio: [0, 1], shapes: always });
        for (const [i, window] of draw.windows.entries()) {
          const object = maps.slice(i * size, (i + 1) * size);
          if (window === null) {
            expect(role === "negative" && !object.includes(1)).toBe(true);
            continue;
          }
          const side = (role === "positive" ? 200 : 130) / 224;
          const [height, width] = [grid.rows * grid.cell, grid.cols * grid.cell];
          expect(Math.abs(window.height - side * height)).toBeLessThanOrEqual(0.5);
          expect(Math.abs(window.width - side * width)).toBeLessThanOrEqual(0.5);
          expect(Math.min(window.top, window.left)).toBeGreaterThanOrEqual(0);
          expect(window.top + window.height).toBeLessThanOrEqual(height);
          expect(window.left + window.width).toBeLessThanOrEqual(width);
          if (!object.includes(1) || !object.includes(0)) continue;
          const touched = object.some((on, cell) => {
            const [top, left] = [Math.floor(cell / grid.cols) * grid.cell, (cell % grid.cols) * grid.cell];
            const rows = Math.min(top + grid.cell, window.top + window.height) - Math.max(top, window.top);
            const cols = Math.min(left + grid.cell, window.left + window.width) - Math.max(left, window.left);
            return on === 1 && rows > 0 && cols > 0;
          });
          expect(touched, "window on a foreground cell").toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("moves the window with the object: left for one on the left, right for one on the right", () => {
    const side = (on: (col: number) => boolean) =>
      Array.from({ length: 49 }, (_, cell) => (on(cell % 7) ? 1 : 0));
    const shapes = { focal: 1, channelwise: 0 };
    const left = drawMasks(
      repeated(
        side((col) => col === 0),
        200,
      ),
      key(200),
      paper,
      negative(shapes),
    );
    const right = drawMasks(
      repeated(
        side((col) => col === 6),
        200,
      ),
      key(200),
      paper,
      negative(shapes),
    );
    for (let i = 0; i < 200; i++) {
      expect(left.windows[i]?.left).toBe(0);
      expect(right.windows[i]?.left).toBe(224 - 130);
    }
    // A map that is all object contains no position.
    const anywhere = drawMasks(
      repeated(
        side(() => true),
        400,
      ),
      key(400),
      paper,
      negative(shapes),
    );
    const lefts = anywhere.windows.map((window) => window?.left ?? -1);
    expect(Math.min(...lefts)).toBeLessThan(5);
    expect(Math.max(...lefts)).toBeGreaterThan(224 - 130 - 5);
  });

  it("draws odds of 1 as without odds, cell by cell, and other odds with other cells", () => {
    fc.assert(
      fc.property(grids, shapeChances, ({ grid, maps }, shapes) => {
        const of = (odds?: number) =>
          drawMasks(Uint8Array.from(maps), key(5), grid, { ...positive(shapes), odds });
        expect(of(1)).toEqual(of());
      }),
    );
    const map = Array.from({ length: 49 }, (_, cell) => Number(cell < 20));
    const hit = (odds: number) =>
      drawMasks(repeated(map, 200), key(200), paper, { ...positive(), odds }).cells.filter(
        (on, cell) => on === 1 && map[cell % 49] === 1,
      ).length;
    expect(hit(0)).toBe(0);
    expect(hit(4)).toBeGreaterThan(1.5 * hit(1));
  });

  it("a negative that loses background has no window, and none is valid without both kinds of cells", () => {
    const left = Array.from({ length: 49 }, (_, cell) => Number(cell % 7 < 3));
    const maps = [left, new Array<number>(49).fill(1), new Array<number>(49).fill(0)];
    const of = (what: "background" | "random") =>
      drawMasks(Uint8Array.from(maps.flat()), key(3), paper, {
        ...negative({ focal: 1, channelwise: 0 }),
        what,
      });
    const background = of("background");
    expect(Array.from(background.valid)).toEqual([1, 0, 0]);
    expect(background.windows).toEqual([null, null, null]);
    expect(background.cells.subarray(0, 49).some((on, cell) => on === 1 && left[cell] === 1)).toBe(false);
    expect(background.maskedShare[0]).toBeGreaterThan(0.1);
    const random = of("random");
    expect(Array.from(random.valid)).toEqual([1, 1, 0]);
    expect(random.windows.map((window) => window === null)).toEqual([false, false, true]);
  });

  it("leaves a negative without an object unmasked, and says so", () => {
    const maps = Uint8Array.from([...new Array(49).fill(0), ...new Array(49).fill(1)]);
    for (const shapes of [cellsOnly, { focal: 1, channelwise: 0 }]) {
      const draw = drawMasks(maps, key(2), paper, negative(shapes));
      expect(Array.from(draw.valid)).toEqual([0, 1]);
      expect(draw.maskedShare[0]).toBe(0);
      expect(draw.maskedShare[1]).toBeGreaterThan(0.3);
      expect(Array.from(drawMasks(maps, key(2), paper, positive(shapes)).valid)).toEqual([1, 1]);
    }
  });
});

describe("maskPixels", () => {
  it("is the drawn cells and windows, pixel by pixel", () => {
    fc.assert(
      fc.property(grids, roles, shapeChances, ({ grid, maps }, role, shapes) => {
        const draw = drawMasks(Uint8Array.from(maps), key(5), grid, { role, ratio: [0.1, 0.9], shapes });
        const [height, width] = [grid.rows * grid.cell, grid.cols * grid.cell];
        const { channels } = draw;
        const pixels = scope(() => {
          const mask = maskPixels(draw, grid, "cpu");
          expect(mask.dtype).toBe("bool");
          expect(mask.shape).toEqual([5, channels, height, width]);
          return mask.toArray();
        });
        const expected: number[] = [];
        for (let i = 0; i < 5; i++) {
          const window = draw.windows[i];
          for (let c = 0; c < channels; c++) {
            for (let y = 0; y < height; y++) {
              for (let x = 0; x < width; x++) {
                const cell = Math.floor(y / grid.cell) * grid.cols + Math.floor(x / grid.cell);
                const inside =
                  window !== null &&
                  y >= window.top &&
                  y < window.top + window.height &&
                  x >= window.left &&
                  x < window.left + window.width;
                const byWindow = window !== null && inside === (role === "negative");
                const byCell = draw.cells[(i * channels + c) * grid.rows * grid.cols + cell] === 1;
                expected.push(byWindow || byCell ? 1 : 0);
              }
            }
          }
        }
        expect(pixels).toEqual(expected);
        const each = channels * height * width;
        for (let i = 0; i < 5; i++) {
          const share = expected.slice(i * each, (i + 1) * each).reduce((a, b) => a + b, 0) / each;
          expect(draw.maskedShare[i]).toBeCloseTo(share, 10);
        }
      }),
      { numRuns: 60 },
    );
  });
});
