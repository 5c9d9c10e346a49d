import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { decodeMask, encodeMask, rleOfCounts } from "../../../src/data/samples/rle.js";
import { broken, drawn, mask, rleOf } from "../../support/masks.js";

const countsOf = (...rows: string[]) => [...rleOf(drawn(...rows)).counts];

describe("encodeMask", () => {
  test("goes down the columns and starts outside", () => {
    // Columns: .# ## #.
    expect(countsOf(".##", "##.")).toEqual([1, 4, 1]);
    // Columns: #.. ..# #.#
    expect(countsOf("#.#", "...", ".##")).toEqual([0, 1, 4, 2, 1, 1]);
  });

  test("is one run where nothing is inside, and two where everything is", () => {
    expect(countsOf("..", "..", "..")).toEqual([6]);
    expect(countsOf("##", "##", "##")).toEqual([0, 6]);
  });

  test("takes whatever is not 0 as inside", () => {
    expect([...encodeMask(Uint8Array.of(255, 0, 0, 7), 2, 2).counts]).toEqual([0, 1, 2, 1]);
  });

  test("refuses pixels of another number", () => {
    expect(() => encodeMask(new Uint8Array(5), 2, 3)).toThrow(RangeError);
  });
});

describe("decodeMask", () => {
  test("gives back what was encoded, also where runs of no pixels stand between", () => {
    fc.assert(
      fc.property(mask, (pixels) => {
        expect(decodeMask(rleOf(pixels))).toEqual(pixels.pixels);
        expect(decodeMask(broken(rleOf(pixels)))).toEqual(pixels.pixels);
      }),
    );
  });

  test("encoded runs are none of 0 but the first", () => {
    fc.assert(fc.property(mask, (pixels) => !rleOf(pixels).counts.subarray(1).includes(0)));
  });
});

describe("rleOfCounts", () => {
  test("keeps runs as they are", () => {
    expect([...rleOfCounts([2, 0, 1, 3], 2, 3).counts]).toEqual([2, 0, 1, 3]);
  });

  test.each([
    ["rle-sum", [1, 4], 2, 3],
    ["rle-sum", [1, 6], 2, 3],
    ["rle-sum", [], 2, 3],
    ["rle-negative-run", [8, -2], 2, 3],
    ["rle-run", [1.5, 4.5], 2, 3],
    ["rle-run", [Number.NaN, 6], 2, 3],
    ["rle-size", [0], 0, 3],
    ["rle-size", [6], 2.5, 3],
    ["rle-size", [2 ** 32], 2 ** 16, 2 ** 16],
  ])("refuses with %s the runs %j of %d x %d", (code, counts, height, width) => {
    const make = () => rleOfCounts(counts, height, width);
    expect(make).toThrow(DataError);
    expect(make).toThrow(expect.objectContaining({ code }));
  });

  test("says what the runs should add up to, and what they do", () => {
    expect(() => rleOfCounts([100, 200], 480, 640)).toThrow(/640 x 480 = 307200 pixels, got 300\./);
  });
});
