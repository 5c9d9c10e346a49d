import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { maskIous, unionOf } from "../../../src/data/samples/rle-overlap.js";
import { broken, drawn, masksOfOneSize, type Pixels, rleOf } from "../../support/masks.js";

const combined = (masks: readonly Pixels[], isInside: (values: number[]) => boolean): Pixels => ({
  ...masks[0],
  pixels: masks[0].pixels.map((_, i) => Number(isInside(masks.map(({ pixels }) => pixels[i])))),
});

describe("unionOf", () => {
  test("is that of the pixels, as encodeMask gives them", () => {
    fc.assert(
      fc.property(masksOfOneSize(2, 4), (masks) => {
        const union = rleOf(combined(masks, (values) => values.includes(1)));
        for (const rles of [masks.map(rleOf), masks.map((one) => broken(rleOf(one)))])
          expect(unionOf(rles)).toEqual(union);
      }),
      { numRuns: 300 },
    );
  });

  test("of one mask is that mask", () => {
    const one = rleOf(drawn(".#", "#."));
    expect(unionOf([one])).toEqual(one);
  });

  test("of no mask, or of masks of several photos, is refused", () => {
    expect(() => unionOf([])).toThrow(RangeError);
    const [wide, tall] = [rleOf(drawn("..#")), rleOf(drawn(".", ".", "#"))];
    expect(() => unionOf([wide, tall])).toThrow(DataError);
    expect(() => maskIous([wide], [tall], [false])).toThrow(expect.objectContaining({ code: "mask-sizes" }));
  });
});

describe("maskIous", () => {
  test("are pixels in both over pixels in either, or with a crowd over the detection's pixels", () => {
    fc.assert(
      fc.property(
        masksOfOneSize(2, 6),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (masks, crowds) => {
          const [detections, truths] = [masks.slice(0, 2), masks.slice(2)];
          const sum = (pixels: Pixels) => pixels.pixels.reduce((total, pixel) => total + pixel, 0);
          const expected = detections.flatMap((detection) =>
            truths.map((truth, t) => {
              const both = sum(combined([detection, truth], (values) => !values.includes(0)));
              const whole = crowds[t]
                ? detection
                : combined([detection, truth], (values) => values.includes(1));
              return both === 0 ? 0 : both / sum(whole);
            }),
          );
          const isCrowd = crowds.slice(0, truths.length);
          const plain = maskIous(detections.map(rleOf), truths.map(rleOf), isCrowd);
          expect([...plain]).toEqual(expected);
          const zeros = maskIous(
            detections.map((one) => broken(rleOf(one))),
            truths.map((one) => broken(rleOf(one))),
            isCrowd,
          );
          expect(zeros).toEqual(plain);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("by hand: 2 of 3 and 4 pixels are shared", () => {
    const detection = rleOf(drawn("##.", "#..")); // 3 pixels
    const truth = rleOf(drawn("###", ".#.")); // 4 pixels, 2 of them shared
    expect([...maskIous([detection], [truth], [false])]).toEqual([2 / 5]);
    expect([...maskIous([detection], [truth], [true])]).toEqual([2 / 3]);
  });
});
