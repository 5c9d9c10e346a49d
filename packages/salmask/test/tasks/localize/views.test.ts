import { expect, it } from "vitest";
import { drawCrops } from "../../../src/tasks/localize/views.js";

it("shows about three of ten photos as a whole, by key, and of the others at least about two fifths", () => {
  const ids = Int32Array.from({ length: 1000 }, (_, id) => id);
  const sizes = { originalSizes: new Int32Array(2000).fill(100), size: 100 };
  const { boxes } = drawCrops({ seed: 1, epoch: 0, view: 0 }, ids, sizes);
  const areas = Array.from(ids, (row) => boxes[4 * row + 2] * boxes[4 * row + 3]);
  const wholes = areas.filter((area) => area === 10000).length;
  expect(Math.abs(wholes - 300)).toBeLessThan(75); // 5 standard deviations
  expect(Math.min(...areas)).toBeGreaterThan(3900);
  const alone = drawCrops({ seed: 1, epoch: 0, view: 0 }, Int32Array.of(17), sizes);
  expect(Array.from(alone.boxes)).toEqual(Array.from(boxes.subarray(4 * 17, 4 * 18)));
});
