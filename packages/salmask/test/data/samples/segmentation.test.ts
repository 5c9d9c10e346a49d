import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSegmentation } from "../../../src/data/samples/segmentation.js";

const photo = { height: 3, width: 5 };
const size = [3, 5];

/** COCO's compression as its C code writes it: six bits a character, differences to the number two before from the fourth on. */
function compress(counts: readonly number[]): string {
  let text = "";
  for (let i = 0; i < counts.length; i++) {
    let value = counts[i] - (i > 2 ? counts[i - 2] : 0);
    for (let more = true; more; ) {
      let bits = value & 31;
      value >>= 5;
      more = (bits & 16) !== 0 ? value !== -1 : value !== 0;
      if (more) bits |= 32;
      text += String.fromCharCode(bits + 48);
    }
  }
  return text;
}

const runsOf = (segmentation: unknown, of = photo) => {
  const parsed = parseSegmentation(segmentation, of);
  if (parsed.kind !== "read" || parsed.value?.kind !== "rle") throw new Error(JSON.stringify(parsed));
  const { height, width, counts } = parsed.value.rle;
  return { height, width, counts: [...counts] };
};

describe("parseSegmentation", () => {
  test("keeps polygons as they are", () => {
    const polygons = [
      [0, 0, 4.5, 0, 4, 2],
      [1, 1, 2, 1, 2, 2, 1, 2.25],
    ];
    expect(parseSegmentation(polygons, photo)).toEqual({
      kind: "read",
      value: { kind: "polygons", polygons },
    });
  });

  test.each([[undefined], [null], [[]]])("%j is no segmentation", (given) => {
    expect(parseSegmentation(given, photo)).toEqual({ kind: "read", value: null });
  });

  test("reads run lengths as numbers and as hand-made strings", () => {
    expect(runsOf({ size, counts: [5, 2, 7, 1] })).toEqual({ ...photo, counts: [5, 2, 7, 1] });
    // 5, 2, 7 are themselves; 1 is one less than the 2 before the 7: all bits set, "O".
    expect(runsOf({ size, counts: "527O" }).counts).toEqual([5, 2, 7, 1]);
    // 16 needs a second character, as its highest bit would say that it is negative.
    expect(runsOf({ size: [4, 4], counts: "`0" }, { height: 4, width: 4 }).counts).toEqual([16]);
    expect(runsOf({ size, counts: "0?" }).counts).toEqual([0, 15]);
  });

  test("reads what COCO's compression writes", () => {
    const counts = fc.array(fc.integer({ min: 0, max: 5_000_000 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(counts, (runs) => {
        const width = runs.reduce((sum, run) => sum + run, 0);
        fc.pre(width > 0);
        const read = runsOf({ size: [1, width], counts: compress(runs) }, { height: 1, width });
        expect(read.counts).toEqual(runs);
      }),
    );
  });

  test.each([
    ["text", "polygons", /Expected polygons or run lengths.*string/],
    ["two points", [[0, 0, 1, 1]], /three points or more, got 4 numbers/],
    ["an odd number", [[0, 0, 1, 1, 2, 2, 3]], /got 7 numbers/],
    ["no numbers", [[0, 0, 1, null, 2, 2]], /finite numbers/],
    ["another size", { size: [5, 3], counts: [15] }, /\[3, 5\], got \[5,3\]/],
    ["no size", { counts: [15] }, /got nothing/],
    ["too few pixels", { size, counts: [5, 2] }, /add up to its 5 x 3 = 15 pixels, got 7/],
    ["negative runs", { size, counts: [20, -5] }, /at least 0 pixels, got -5/],
    ["fractions", { size, counts: [14.5, 0.5] }, /whole numbers.*got 14.5/],
    ["no runs", { size }, /numbers or a string, got undefined/],
    ["an empty string", { size, counts: "" }, /got 0/],
    ["a string that is cut short", { size, counts: "52`" }, /ends within one/],
    ["letters that COCO does not use", { size, counts: "52 z" }, /characters from "0" to "o".*got " "/],
    ["a number without an end", { size, counts: "oooooooooooooooooooo" }, /longer one/],
    ["compressed runs of another sum", { size, counts: "527" }, /got 14/],
  ])("refuses %s", (_, given, message) => {
    const parsed = parseSegmentation(given, photo);
    expect(parsed).toEqual({ kind: "bad", message: expect.stringMatching(message) });
  });
});
