import fc from "fast-check";
import { expect, test } from "vitest";
import type { Box } from "../../../src/data/samples/box.js";
import { boxIous } from "../../../src/metrics/average-precision/box-iou.js";

/** As VOC's development kit has it, of the first and the last pixel of each side, from 1. */
function vocOverlap(a: number[], b: number[]): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1;
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1;
  if (width <= 0 || height <= 0) return 0;
  const areas = [a, b].map((box) => (box[2] - box[0] + 1) * (box[3] - box[1] + 1));
  return (width * height) / (areas[0] + areas[1] - width * height);
}

test("of VOC's inclusive corners is VOC's own", () => {
  const corners = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), fc.nat(12), fc.nat(12))
    .map(([x, y, w, h]) => [x, y, x + w, y + h]);
  const toBox = ([xmin, ymin, xmax, ymax]: number[]): Box => [xmin - 1, ymin - 1, xmax, ymax];
  fc.assert(
    fc.property(corners, corners, (a, b) => {
      expect([...boxIous([toBox(a)], [toBox(b)], [false])]).toEqual([vocOverlap(a, b)]);
    }),
  );
});

test("by hand: each detection with each truth, and a crowd as a share of the detection", () => {
  const detections: Box[] = [
    [0, 0, 10, 10],
    [100, 100, 110, 105],
  ];
  const truths: Box[] = [
    [5, 0, 15, 10],
    [0, 0, 200, 200],
    [10, 0, 20, 10],
  ];
  // 50 of 100 + 100 - 50; all of 100 and of 50 within 40000; touching is not overlapping.
  const plain = [50 / 150, 100 / 40_000, 0, 0, 50 / 40_000, 0];
  expect([...boxIous(detections, truths, [false, false, false])]).toEqual(plain);
  expect([...boxIous(detections, truths, [true, true, true])]).toEqual([0.5, 1, 0, 0, 1, 0]);
});

test("is 0 where a box has no pixels", () => {
  const empty: Box = [3, 3, 3, 8];
  expect([...boxIous([empty], [empty, [0, 0, 9, 9]], [false, true])]).toEqual([0, 0]);
});
