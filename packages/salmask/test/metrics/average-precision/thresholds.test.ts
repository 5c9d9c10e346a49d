import { expect, test } from "vitest";
import { at50, at75, evenly, iouThresholds } from "../../../src/metrics/average-precision/thresholds.js";

test("overlaps are NumPy's to the last bit, which lies below 0.9 once", () => {
  expect(iouThresholds).toEqual([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95]);
  expect([iouThresholds[at50], iouThresholds[at75]]).toEqual([0.5, 0.75]);
});

test("recalls are NumPy's to the last bit, which are not all the nearest numbers", () => {
  const recalls = evenly(0, 1, 101);
  expect(recalls).toHaveLength(101);
  expect([recalls[0], recalls[50], recalls[100]]).toEqual([0, 0.5, 1]);
  expect(recalls[7]).toBe(0.07);
  expect(recalls[70]).toBe(0.7000000000000001);
});
