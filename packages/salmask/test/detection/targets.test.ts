import { scope, zeros } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { DataError } from "../../src/base/errors.js";
import { checkTruth, type Truth } from "../../src/detection/targets.js";

const size = { height: 6, width: 8 };
const good: Truth = {
  boxes: Float32Array.of(0, 0, 4, 4, 1, 2, 8, 6),
  labels: Int32Array.of(1, 3),
  masks: new Uint8Array(2 * 6 * 8),
};
const check = (truth: Truth, masks = true) => checkTruth(truth, size, { classes: 3, masks }, 4);

test("what fits the photo and the detector is taken", () => {
  check(good);
  check({ ...good, masks: null }, false);
  check({ boxes: new Float32Array(), labels: new Int32Array(), masks: new Uint8Array() });
  scope(() => check({ ...good, masks: zeros([2, 6, 8]) }));
});

describe("a truth is refused", () => {
  test.each<[string, Partial<Truth>, string]>([
    ["with a box too few", { boxes: Float32Array.of(0, 0, 4, 4) }, "four sides of each of the 2 objects"],
    ["with a box without width", { boxes: Float32Array.of(0, 0, 4, 4, 3, 2, 3, 6) }, "got 3, 2, 3, 6"],
    ["with a box upside down", { boxes: Float32Array.of(0, 4, 4, 0, 1, 2, 8, 6) }, "got 0, 4, 4, 0"],
    ["with a box of NaN", { boxes: Float32Array.of(0, 0, 4, Number.NaN, 1, 2, 8, 6) }, "NaN"],
    [
      "with the background's label",
      { labels: Int32Array.of(0, 1) },
      "labels from 1 to 3 of photo 4 of the batch, got 0",
    ],
    ["with a label too large", { labels: Int32Array.of(1, 4) }, "got 4"],
    ["without masks", { masks: null }, "masks [2,6,8] of photo 4 of the batch, got none"],
    ["with masks of another size", { masks: new Uint8Array(9) }, "got 9 pixels"],
  ])("%s", (_, change, message) => {
    expect(() => check({ ...good, ...change })).toThrow(DataError);
    expect(() => check({ ...good, ...change })).toThrow(message);
  });

  test("with a tensor of masks of another shape", () => {
    scope(() => expect(() => check({ ...good, masks: zeros([2, 8, 6]) })).toThrow("got masks [2,8,6]"));
  });
});
