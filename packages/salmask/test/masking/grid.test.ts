import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { gridFor, maskGrid } from "../../src/masking/grid.js";

describe("gridFor", () => {
  it("depends on the crop and the network", () => {
    expect(gridFor(224, 32)).toEqual({ rows: 7, cols: 7, cell: 32 });
    expect(gridFor(32, 8)).toEqual({ rows: 4, cols: 4, cell: 8 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 30 }), (stride, cells) => {
        expect(gridFor(stride * cells, stride)).toEqual({ rows: cells, cols: cells, cell: stride });
      }),
    );
  });

  it("rejects other crops, and names those that fit", () => {
    expect(() => gridFor(225, 32)).toThrow(UsageError);
    expect(() => gridFor(225, 32)).toThrow(/multiple of 32 pixels.*got 225.*224 or 256/);
    expect(() => gridFor(20, 32)).toThrow(/nearest that fit: 32/);
  });
});

describe("maskGrid", () => {
  const sizes = fc.record({
    stride: fc.constantFrom(4, 8, 16, 32),
    positions: fc.integer({ min: 1, max: 8 }),
    cells: fc.integer({ min: 1, max: 64 }),
  });

  it("divides a crop into whole cells as many as are asked for, and refuses others", () => {
    fc.assert(
      fc.property(sizes, ({ stride, positions, cells }) => {
        const crop = stride * positions;
        if (crop % cells === 0) {
          expect(maskGrid(crop, stride, cells)).toEqual({ rows: cells, cols: cells, cell: crop / cells });
        } else {
          expect(() => maskGrid(crop, stride, cells)).toThrow(
            expect.objectContaining({ code: "grid-not-divisor" }),
          );
        }
        expect(maskGrid(crop, stride)).toEqual(gridFor(crop, stride));
      }),
    );
  });

  it("names the nearest numbers that fit, and still needs a crop of whole strides", () => {
    expect(() => maskGrid(56, 8, 9)).toThrow(/divides a crop of 56 pixels, got 9.*: 8 or 14/);
    expect(() => maskGrid(32, 8, 40)).toThrow(/: 32\.$/);
    expect(() => maskGrid(30, 8, 10)).toThrow(expect.objectContaining({ code: "crop-not-multiple" }));
  });
});
