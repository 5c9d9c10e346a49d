import fc from "fast-check";
import { expect, test } from "vitest";
import { areaOf, boxOf } from "../../../src/data/samples/rle-extent.js";
import { broken, drawn, mask, type Pixels, rleOf } from "../../support/masks.js";

/** By looking at each pixel. */
function extent({ width, pixels }: Pixels) {
  const inside = [...pixels.keys()].filter((i) => pixels[i] === 1);
  const [xs, ys] = [inside.map((i) => i % width), inside.map((i) => Math.floor(i / width))];
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
  return { area: inside.length, box: inside.length === 0 ? null : box };
}

test("area and box are those of the pixels", () => {
  fc.assert(
    fc.property(mask, (pixels) => {
      const { area, box } = extent(pixels);
      for (const rle of [rleOf(pixels), broken(rleOf(pixels))]) {
        expect(areaOf(rle)).toBe(area);
        expect(boxOf(rle)).toEqual(box);
      }
    }),
    { numRuns: 300 },
  );
});

test("a box is left, top, right, bottom, and ends after its last pixel", () => {
  expect(boxOf(rleOf(drawn("....", ".##.", "...."))), "one run a column").toEqual([1, 1, 3, 2]);
  expect(boxOf(rleOf(drawn(".#.", "...", "#.."))), "a run that goes on at the next column's top").toEqual([
    0, 0, 2, 3,
  ]);
  expect(boxOf(rleOf(drawn("...", "...")))).toBeNull();
});
