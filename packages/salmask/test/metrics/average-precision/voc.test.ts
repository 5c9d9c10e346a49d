import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import type { Box } from "../../../src/data/samples/box.js";
import type { ScoredPhoto } from "../../../src/metrics/average-precision/detection.js";
import { VocMetric, type VocResult } from "../../../src/metrics/average-precision/voc.js";
import { type By, bruteVoc } from "./brute-force.js";
import { expectClose } from "./close.js";
import { detection, scenes, truth } from "./scenes.js";

function scored(photos: readonly ScoredPhoto[], categories = 1, by: By = "boxes"): VocResult {
  const metric = new VocMetric({ categories, by });
  for (const photo of photos) metric.add(photo);
  return metric.result();
}

/** A box of 20 x 20 pixels, `i` places to the right: places do not overlap. */
const at = (i: number): Box => [30 * i, 0, 30 * i + 20, 20];
const nowhere: Box = [0, 500, 20, 520];

const nothing = { ap50: null, ap75: null, ap: null };
const both = (value: number) => {
  const scores = { ap50: value, ap75: value, ap: value };
  return { elevenPoints: scores, area: scores };
};

describe("by hand", () => {
  test("right, wrong, right of two truths", () => {
    const truths = [truth(at(0)), truth(at(1))];
    const detections = [detection(at(0), 0.9), detection(nowhere, 0.8), detection(at(1), 0.7)];
    const { elevenPoints, area } = scored([{ truths, detections }]).all;
    // 0, 0.1, ... 0.5 have precision 1; 0.6, ... 1 have 2 of 3.
    expectClose(elevenPoints.ap50, (6 + (5 * 2) / 3) / 11);
    expectClose(area.ap50, 0.5 + (0.5 * 2) / 3);
  });

  test("three of ten truths reach a recall of 0.3, and six of ten 0.6", () => {
    const truths = Array.from({ length: 10 }, (_, i) => truth(at(i)));
    const found = (count: number) =>
      scored([{ truths, detections: truths.slice(0, count).map(({ box }) => detection(box, 1)) }]).all;
    expectClose([found(3).elevenPoints.ap50, found(3).area.ap50], [4 / 11, 0.3]);
    expectClose([found(6).elevenPoints.ap50, found(6).area.ap50], [7 / 11, 0.6]);
  });

  test("one truth found with an overlap of 0.62, at 0.50, 0.55 and 0.60 of ten overlaps", () => {
    const photo = { truths: [truth([0, 0, 10, 10])], detections: [detection([0, 0, 10, 6.2], 0.4)] };
    const { elevenPoints, area } = scored([photo]).all;
    expectClose(
      { elevenPoints, area },
      {
        elevenPoints: { ap50: 1, ap75: 0, ap: 0.3 },
        area: { ap50: 1, ap75: 0, ap: 0.3 },
      },
    );
  });

  test("difficult truths are neither to be found nor wrong to find, however often", () => {
    const truths = [truth(at(0)), truth(at(1), { isDifficult: true })];
    const detections = [detection(at(1), 0.9), detection(at(1), 0.8), detection(at(0), 0.7)];
    expectClose(scored([{ truths, detections }]).all, both(1));
    const none = scored([{ truths: [truths[1]], detections }]).all;
    expect(none).toEqual({ elevenPoints: nothing, area: nothing });
  });

  test("a truth that is found twice makes the less sure detection wrong, before one that is right", () => {
    const truths = [truth(at(0)), truth(at(1))];
    const detections = [detection(at(0), 0.9), detection(at(0), 0.8), detection(at(1), 0.7)];
    expectClose(scored([{ truths, detections }]).all.area.ap50, 0.5 + (0.5 * 2) / 3);
  });

  test("any number of detections of a photo are looked at", () => {
    const wrong = Array.from({ length: 199 }, () => detection(nowhere, 0.9));
    const photo = { truths: [truth(at(0))], detections: [...wrong, detection(at(0), 0.1)] };
    expectClose(scored([photo]).all, both(1 / 200));
  });

  test("the mean is over the categories that have objects to be found", () => {
    const truths = [truth(at(0)), truth(at(1), { category: 2 })];
    const detections = [detection(at(0), 0.5), detection(at(0), 0.5, { category: 1 })];
    const { all, byCategory } = scored([{ truths, detections }], 4);
    expect(byCategory.map(({ area }) => area.ap50)).toEqual([1, null, 0, null]);
    expectClose(all, both(0.5));
  });
});

describe.each<By>(["boxes", "masks"])("of %s, is what brute force makes it, to 1e-9", (by) => {
  test("in small photos, with equal scores, equal overlaps and difficult objects", () => {
    fc.assert(
      fc.property(scenes(12, 1, false), (photos) => {
        expectClose(scored(photos, 3, by), bruteVoc(photos, 3, by));
      }),
      { numRuns: 150 },
    );
  });
});

test("refuses a photo that cannot be scored", () => {
  const add = () => scored([{ truths: [], detections: [detection(at(0), Number.NaN)] }]);
  expect(add).toThrow(DataError);
  expect(add).toThrow(/finite score of detection 0 of the photo, got NaN/);
});
