import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/base/errors.js";
import { gridFor } from "../../src/masking/grid.js";

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
