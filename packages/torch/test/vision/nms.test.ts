import { beforeAll, describe, expect, test } from "vitest";
import { callTensor } from "../../src/dispatch.js";
import {
  Generator,
  loadOperatorLibrary,
  ops,
  rand,
  scope,
  type Tensor,
  tensor,
  vision,
} from "../../src/index.js";
import { Operator } from "../../src/operator.js";
import { nmsOnHost } from "../../src/vision/nms.js";
import { torchvisionLibrary } from "../support/torchvision.js";

const opNms = new Operator("torchvision::nms", "");
const byLibrary = (boxes: Tensor, scores: Tensor, overlap: number) =>
  callTensor(opNms, boxes.handle, scores.handle, overlap);

const library = torchvisionLibrary();
beforeAll(() => {
  if (library !== null) loadOperatorLibrary(library);
});

/** Boxes `[count, 4]` of sides up to 40 on a square of 100 pixels. */
function drawn(count: number, seed: number): { boxes: Tensor; scores: Tensor } {
  const generator = new Generator(seed);
  const corners = rand([count, 2], { generator }).mul(100);
  const sides = rand([count, 2], { generator }).mul(40);
  return { boxes: ops.cat([corners, corners.add(sides)], { dim: 1 }), scores: rand([count], { generator }) };
}

describe.skipIf(library === null).each([
  ["without the library", nmsOnHost],
  ["with it", vision.nms],
])("suppression %s", (_, nms) => {
  test("keeps the best of boxes that overlap, best first", () => {
    scope(() => {
      const boxes = tensor([
        [0, 0, 10, 10], // overlaps the second by 80 of 120
        [2, 0, 12, 10],
        [20, 0, 30, 10],
        [20, 0, 30, 10],
      ]);
      const scores = tensor([0.5, 0.9, 0.3, 0.3]);
      expect(nms(boxes, scores, 0.66).toArray()).toEqual([1, 2]);
      expect(nms(boxes, scores, 0.67).toArray()).toEqual([1, 0, 2]);
      // Only more than the threshold is too much.
      expect(nms(boxes, scores, 1).toArray()).toEqual([1, 0, 2, 3]);
    });
  });

  test.each([0.3, 0.5, 0.7])("keeps what torchvision keeps over %s", (overlap) => {
    scope(() => {
      for (const [count, seed] of [
        [1, 1],
        [40, 2],
        [700, 3],
      ]) {
        const { boxes, scores } = drawn(count, seed);
        const expected = byLibrary(boxes, scores, overlap).toArray();
        expect(nms(boxes, scores, overlap).toArray()).toEqual(expected);
        // Of equal scores the earlier box is the better.
        const coarse = scores.mul(5).floor();
        expect(nms(boxes, coarse, overlap).toArray()).toEqual(byLibrary(boxes, coarse, overlap).toArray());
      }
    });
  });

  test("of no boxes keeps none, and passes boxes without area and NaN on", () => {
    scope(() => {
      const { boxes, scores } = drawn(0, 1);
      expect(nms(boxes, scores, 0.5).shape).toEqual([0]);
      const odd = tensor([
        [5, 5, 5, 5],
        [5, 5, 5, 5],
        [Number.NaN, 0, 9, 9],
        [0, 0, 9, 9],
      ]);
      expect(nms(odd, tensor([4, 3, 2, 1]), 0.5).toArray()).toEqual([0, 1, 2, 3]);
    });
  });
});

test("boxes and scores of different numbers are refused", () => {
  scope(() =>
    expect(() => nmsOnHost(drawn(3, 1).boxes, drawn(2, 1).scores, 0.5)).toThrow(
      "Expected a score of each box",
    ),
  );
});
