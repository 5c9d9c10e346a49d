import { ops, scope, zeros } from "@salmask/torch";
import { expect, test } from "vitest";
import { AnchorGenerator, anchorsOfPlace } from "../../src/detection/anchors.js";
import { goldensOf } from "./parts.js";

const ratios = [0.5, 1, 2];

test("anchors of several levels are torchvision's", () => {
  const goldens = goldensOf("anchors");
  const sizes = [
    [32, 64],
    [48, 71],
    [5, 13],
  ];
  const generator = new AnchorGenerator(sizes, ratios);
  expect(generator.perPlace).toEqual([6, 6, 6]);
  scope(() => {
    const maps = [zeros([2, 4, 12, 20]), zeros([2, 4, 5, 7]), zeros([2, 4, 3, 3])];
    const levels = generator.of(maps, { height: 96, width: 160 });
    expect(levels.map(({ shape }) => shape[0])).toEqual([12 * 20 * 6, 5 * 7 * 6, 3 * 3 * 6]);
    goldens.expectClose(ops.cat(levels), "anchors", 0);
  });
});

test("an anchor has the area of its size and the height over width of its ratio, in whole pixels", () => {
  expect(Array.from(anchorsOfPlace([64], [1]))).toEqual([-32, -32, 32, 32]);
  expect(Array.from(anchorsOfPlace([64], [4]))).toEqual([-16, -64, 16, 64]);
});

test("other levels than there are sizes for are refused", () => {
  scope(() =>
    expect(() => new AnchorGenerator([[32]], ratios).of([], { height: 8, width: 8 })).toThrow(
      "Expected feature maps of 1 levels, as there are sizes of anchors, got 0.",
    ),
  );
});
