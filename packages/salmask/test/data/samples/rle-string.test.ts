import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { rleOfCounts } from "../../../src/data/samples/rle.js";
import { rleOfString, stringOfRle } from "../../../src/data/samples/rle-string.js";
import { mask, rleOf } from "../../support/masks.js";

const sum = (counts: readonly number[]) => counts.reduce((total, run) => total + run, 0);

/**
 * Derived by hand. A character is 48 + group, + 32 where the number goes on; so a last group g is the character 48 + g:
 * 0 "0", 1 "1", 9 "9", 15 "?", 16 "@", 31 "O", and a group g that goes on is 80 + g: 0 "P", 8 "X", 15 "_", 16 "`", 31 "o".
 */
const cases: [what: string, counts: number[], text: string][] = [
  ["the first three runs stand as they are", [1, 4, 1], "141"],
  ["the fourth is 7 - 5 = 2", [0, 5, 3, 7], "0532"],
  ["3 - 4 = -1 is the group 31, with the sign", [3, 4, 2, 3], "342O"],
  // 3 - 20 = -17 = 15 + 32 * -1: the group 15 has no sign bit, so the group of -1 follows. 20 has it, so a group of 0 follows.
  ["20 and -17 need a group more for their sign", [2, 20, 5, 3], "2d05_O"],
  ["15 is one group, 16 needs two", [15, 16], "?`0"],
  // 4 - 20 = -16: the group 16 alone.
  ["-16 is one group", [1, 20, 1, 4], "1d01@"],
  ["31 = 31 + 32 * 0, 32 = 0 + 32 * 1", [31, 32], "o0P1"],
  // 1000 = 8 + 32 * 31, and the group 31 has the sign bit.
  ["1000 has three groups", [1000], "Xo0"],
  // 307200 = 0 + 32 * (0 + 32 * (12 + 32 * 9)); 80 + 12 = 92 is a backslash.
  ["an empty mask of 640 x 480", [307200], "PP\\9"],
  // The fourth is 1 - 0 = 1, the fifth 2 - 1 = 1, the sixth 1 - 1 = 0.
  ["runs of no pixels are kept", [0, 0, 1, 1, 2, 1], "001110"],
];

describe("stringOfRle and rleOfString", () => {
  test.each(cases)("%s", (_, counts, text) => {
    const rle = rleOfCounts(counts, 1, sum(counts));
    expect(stringOfRle(rle)).toBe(text);
    expect(rleOfString(text, 1, sum(counts))).toEqual(rle);
  });

  test("give back any mask", () => {
    fc.assert(
      fc.property(mask, (pixels) => {
        const rle = rleOf(pixels);
        expect(rleOfString(stringOfRle(rle), rle.height, rle.width)).toEqual(rle);
      }),
    );
  });

  test("give back any runs up to the largest photo", () => {
    const run = fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(2 ** 28));
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 15 }), (counts) => {
        fc.pre(sum(counts) > 0 && sum(counts) < 2 ** 32);
        const rle = rleOfCounts(counts, 1, sum(counts));
        expect(rleOfString(stringOfRle(rle), 1, sum(counts))).toEqual(rle);
      }),
    );
  });

  test("are of characters from 0 to o", () => {
    fc.assert(fc.property(mask, (pixels) => /^[0-o]+$/.test(stringOfRle(rleOf(pixels)))));
  });
});

test.each([
  ["rle-character", "1 4", /" " at position 1/],
  ["rle-character", "14p", /"p" at position 2/],
  ["rle-character", "1é", /"é" at position 1/],
  ["rle-cut", "14o", /ends within one/],
  ["rle-long-number", "1PPPPPPPP1", /longer one at position 1/],
  // The second run is -1.
  ["rle-negative-run", "7O", /got -1 as run 1/],
  // The fourth run is 1 - 3.
  ["rle-negative-run", "311M", /got -2 as run 3/],
  ["rle-sum", "144", /got 9/],
  ["rle-sum", "", /got 0/],
])("refuses with %s the text %j", (code, text, message) => {
  const make = () => rleOfString(text, 2, 3);
  expect(make).toThrow(DataError);
  expect(make).toThrow(expect.objectContaining({ code }));
  expect(make).toThrow(message);
});
