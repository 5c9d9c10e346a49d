import { describe, expect, test } from "vitest";
import type { Truth } from "../../../src/metrics/average-precision/detection.js";
import type { Group } from "../../../src/metrics/average-precision/group.js";
import { matchCoco, matchVoc, outcome } from "../../../src/metrics/average-precision/match.js";
import { truth } from "./scenes.js";

const { right, wrong, ignored } = outcome;
const anySize = { least: 0, most: Number.POSITIVE_INFINITY };

/** Detections by falling score, each with its overlaps with the truths. */
function group(truths: Truth[], ...ious: number[][]): Group {
  const scores = Float64Array.from(ious.keys(), (i) => 1 - i / 10);
  const areas = new Float64Array(ious.length).fill(100);
  return { category: 0, scores, areas, truths, ious: Float64Array.from(ious.flat()) };
}

const plain = () => truth([0, 0, 10, 10]);
const crowd = () => truth([0, 0, 10, 10], { isCrowd: true });
const difficult = () => truth([0, 0, 10, 10], { isDifficult: true });

const coco = (one: Group, threshold = 0.5, range = anySize) => [
  ...matchCoco(one, [threshold], range).outcomes,
];
const voc = (one: Group, threshold = 0.5) => [...matchVoc(one, [threshold]).outcomes];

describe("both", () => {
  test.each([
    ["COCO", coco],
    ["VOC", voc],
  ])(
    "%s: an overlap equal to the threshold is enough, a truth is found once, others are wrong",
    (_, match) => {
      expect(match(group([plain()], [0.49], [0.5], [0.9]))).toEqual([wrong, right, wrong]);
      expect(match(group([], [], []))).toEqual([wrong, wrong]);
    },
  );

  test("give one row of thresholds for each detection", () => {
    const one = group([plain()], [0.6], [0.9], [0]);
    const rows = [right, wrong, wrong, right, wrong, wrong];
    expect([...matchCoco(one, [0.5, 0.75], anySize).outcomes]).toEqual(rows);
    expect([...matchVoc(one, [0.5, 0.75]).outcomes]).toEqual(rows);
  });

  test("want neither crowds nor difficult truths", () => {
    const one = group([plain(), crowd(), difficult()]);
    expect(matchCoco(one, [0.5], anySize).wanted).toBe(1);
    expect(matchVoc(one, [0.5]).wanted).toBe(1);
  });
});

test("the second of two detections of one truth turns to its second choice in COCO, not in VOC", () => {
  const one = group([plain(), plain()], [0.9, 0.1], [0.7, 0.6]);
  expect(coco(one)).toEqual([right, right]);
  expect(voc(one)).toEqual([right, wrong]);
});

test("of equal overlaps COCO takes the last truth, VOC the first", () => {
  // The second detection fits only one of the truths: it is right where the first took the other.
  expect(coco(group([plain(), plain()], [0.8, 0.8], [0.8, 0]))).toEqual([right, right]);
  expect(coco(group([plain(), plain()], [0.8, 0.8], [0, 0.8]))).toEqual([right, wrong]);
  expect(voc(group([plain(), plain()], [0.8, 0.8], [0.8, 0]))).toEqual([right, wrong]);
  expect(voc(group([plain(), plain()], [0.8, 0.8], [0, 0.8]))).toEqual([right, right]);
});

describe("COCO", () => {
  test("any number of detections in a crowd count for nothing", () => {
    expect(coco(group([crowd()], [1], [0.6], [0.4]))).toEqual([ignored, ignored, wrong]);
  });

  test("a truth that is to be found goes before a crowd of higher overlap", () => {
    const one = group([crowd(), plain()], [1, 0.6], [1, 0.9]);
    expect(coco(one)).toEqual([right, ignored]);
  });

  test("a difficult truth is used up, unlike a crowd", () => {
    expect(coco(group([difficult()], [0.9], [0.8]))).toEqual([ignored, wrong]);
  });

  test("truths out of the range of areas count for nothing, and so do detections that find nothing there", () => {
    const truths = [truth([0, 0, 10, 10], { area: 1024 }), truth([0, 0, 10, 10], { area: 1025 })];
    const small = { least: 0, most: 1024 };
    const matches = matchCoco(group(truths, [0.6, 0], [0, 0.9], [0, 0]), [0.5], small);
    expect(matches.wanted, "1024 belongs to it, 1025 does not").toBe(1);
    expect([...matches.outcomes]).toEqual([right, ignored, wrong]);
    // The detections have 100 pixels.
    const medium = { least: 1024, most: 9216 };
    const others = matchCoco(group(truths, [0.6, 0], [0, 0.9], [0, 0]), [0.5], medium);
    expect(others.wanted).toBe(2);
    expect([...others.outcomes]).toEqual([right, right, ignored]);
  });
});

describe("VOC", () => {
  test("any number of detections of a difficult truth count for nothing", () => {
    expect(voc(group([difficult()], [0.9], [0.8], [0.3]))).toEqual([ignored, ignored, wrong]);
  });

  test("a detection nearest to a difficult truth does not count for another", () => {
    expect(voc(group([plain(), difficult()], [0.6, 0.7]))).toEqual([ignored]);
  });

  test("what would be wrong counts for nothing in a crowd, what is right stays right", () => {
    expect(voc(group([crowd(), plain()], [1, 0.6], [1, 0.6], [0.2, 0]))).toEqual([right, ignored, wrong]);
  });
});
