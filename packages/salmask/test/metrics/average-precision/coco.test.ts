import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import type { Box } from "../../../src/data/samples/box.js";
import { CocoMetric, type CocoResult } from "../../../src/metrics/average-precision/coco.js";
import type { Detection, ScoredPhoto } from "../../../src/metrics/average-precision/detection.js";
import { type By, bruteCoco } from "./brute-force.js";
import { expectClose } from "./close.js";
import { detection, maskIn, scenes, truth } from "./scenes.js";

function scored(photos: readonly ScoredPhoto[], categories = 1, by: By = "boxes"): CocoResult {
  const metric = new CocoMetric({ categories, by });
  for (const photo of photos) metric.add(photo);
  return metric.result();
}

const nothing = {
  ap: null,
  ap50: null,
  ap75: null,
  apSmall: null,
  apMedium: null,
  apLarge: null,
  ar1: null,
  ar10: null,
  ar100: null,
  arSmall: null,
  arMedium: null,
  arLarge: null,
};

/** A box of 20 x 20 pixels, `i` places to the right: places do not overlap. */
const at = (i: number): Box => [30 * i, 0, 30 * i + 20, 20];
const nowhere: Box = [0, 500, 20, 520];

describe("by hand", () => {
  test("one truth found with an overlap of 0.62 is found at 0.50, 0.55 and 0.60 of ten overlaps", () => {
    const photo = { truths: [truth([0, 0, 10, 10])], detections: [detection([0, 0, 10, 6.2], 0.4)] };
    const { all } = scored([photo]);
    expectClose(all, {
      ...nothing,
      ap: 0.3,
      ap50: 1,
      ap75: 0,
      apSmall: 0.3,
      ar1: 0.3,
      ar10: 0.3,
      ar100: 0.3,
      arSmall: 0.3,
    });
  });

  test("right, wrong, right of two truths: 51 recalls with precision 1 and 50 with 2 of 3", () => {
    const truths = [truth(at(0)), truth(at(1))];
    const detections = [detection(at(0), 0.9), detection(nowhere, 0.8), detection(at(1), 0.7)];
    const { ap, ap50, ap75, ar1, ar10 } = scored([{ truths, detections }]).all;
    const expected = (51 + (50 * 2) / 3) / 101;
    expectClose(
      { ap, ap50, ap75, ar1, ar10 },
      { ap: expected, ap50: expected, ap75: expected, ar1: 0.5, ar10: 1 },
    );
  });

  test("precision is the best at a higher recall: wrong, right, right of two truths is 2 of 3 everywhere", () => {
    const truths = [truth(at(0)), truth(at(1))];
    const detections = [detection(nowhere, 0.9), detection(at(0), 0.8), detection(at(1), 0.7)];
    expectClose(scored([{ truths, detections }]).all.ap, 2 / 3);
  });

  test("recalls that are not reached have precision 0", () => {
    const photo = { truths: [truth(at(0)), truth(at(1)), truth(at(2))], detections: [detection(at(0), 1)] };
    // A recall of one third reaches 0, 0.01, ... 0.33.
    expectClose(scored([photo]).all.ap, 34 / 101);
  });

  test("sizes go by the annotation's area, of truths that are found and of truths that are not", () => {
    const truths = [
      truth(at(0), { area: 32 ** 2 }),
      truth(at(1), { area: 96 ** 2 }),
      truth(at(2), { area: 96 ** 2 + 1 }),
    ];
    const { apSmall, apMedium, apLarge, arSmall, arMedium, arLarge } = scored([
      { truths, detections: [detection(at(0), 0.9), detection(at(1), 0.8)] },
    ]).all;
    // 1024 is small and medium, 9216 medium and large: of the two large ones, one is found.
    expectClose(
      { apSmall, apMedium, apLarge, arSmall, arMedium, arLarge },
      { apSmall: 1, apMedium: 1, apLarge: 51 / 101, arSmall: 1, arMedium: 1, arLarge: 0.5 },
    );
  });

  test("a detection that finds nothing is wrong among objects of its own size alone", () => {
    const truths = [truth(at(0)), truth([0, 100, 200, 300])];
    const wrong = detection([300, 100, 350, 150], 0.9); // 2500 pixels
    const detections = [wrong, detection(at(0), 0.8), detection([0, 100, 200, 300], 0.7)];
    const { ap, apSmall, apMedium, apLarge } = scored([{ truths, detections }]).all;
    expectClose({ ap, apSmall, apMedium, apLarge }, { ap: 2 / 3, apSmall: 1, apMedium: null, apLarge: 1 });
  });

  test("crowds and difficult truths are neither to be found nor wrong to find", () => {
    const crowd = truth([0, 100, 300, 200], { isCrowd: true });
    const truths = [truth(at(0)), crowd, truth(at(5), { isDifficult: true })];
    const inCrowd = [0, 20, 40].map((x) => detection([x, 110, x + 15, 125], 0.95));
    const detections = [...inCrowd, detection(at(5), 0.92), detection(at(0), 0.9)];
    const { ap, ar100 } = scored([{ truths, detections }]).all;
    expectClose({ ap, ar100 }, { ap: 1, ar100: 1 });
    expect(scored([{ truths: [crowd], detections: inCrowd }]).all, "crowds alone").toEqual(nothing);
  });

  test("recall by 1, 10 and 100 detections of each category and photo; further ones are not looked at", () => {
    const truths = [0, 1, 2, 3].map((i) => truth(at(i)));
    // Places among the surest: 0, 5, 50 and 100.
    const detections = Array.from({ length: 101 }, (_, i) => {
      const found = [0, 5, 50, 100].indexOf(i);
      return detection(found < 0 ? nowhere : at(found), 1 - i / 1000);
    });
    const { ar1, ar10, ar100 } = scored([{ truths, detections }]).all;
    expectClose({ ar1, ar10, ar100 }, { ar1: 0.25, ar10: 0.5, ar100: 0.75 });
    const last = { truths: [truth(at(3))], detections };
    expectClose(scored([last]).all.ap, 0);
    // Two categories of 51 and 50 detections are looked at whole.
    const divided = detections.map((one, i) => ({ ...one, category: i % 2 }));
    expectClose(scored([{ ...last, detections: divided }], 2).all.ar100, 1);
  });

  test("the mean is over the categories that have objects to be found", () => {
    const truths = [truth(at(0)), truth(at(1), { category: 2 })];
    const detections = [detection(at(0), 0.5), detection(at(0), 0.5, { category: 1 })];
    const { all, byCategory } = scored([{ truths, detections }], 4);
    expect(byCategory.map(({ ap }) => ap)).toEqual([1, null, 0, null]);
    expect(byCategory[1]).toEqual(nothing);
    expectClose({ ap: all.ap, ar100: all.ar100 }, { ap: 0.5, ar100: 0.5 });
  });

  test("of equal scores the first photo's goes first, and a photo without objects or detections is one", () => {
    const right = { truths: [truth(at(0))], detections: [detection(at(0), 0.5)] };
    const wrong = { truths: [], detections: [detection(at(0), 0.5)] };
    const empty = { truths: [], detections: [] };
    expectClose(scored([empty, right, wrong]).all.ap, 1);
    expectClose(scored([empty, wrong, right]).all.ap, 0.5);
  });

  test("masks are compared by their pixels and their own areas", () => {
    const box: Box = [0, 0, 4, 4];
    // Masks of 16 and 8 pixels in the same box, all of the 8 in both: an overlap of 0.5.
    const truths = [truth(box, { mask: maskIn(box, 40) })];
    const detections = [detection(box, 0.5, { mask: maskIn(box, 40, 2) })];
    expectClose(scored([{ truths, detections }], 1, "masks").all.ap, 0.1);
    expectClose(scored([{ truths, detections }], 1, "boxes").all.ap, 1);
  });

  test("there is nothing to say of no photos", () => {
    expect(scored([], 2)).toEqual({ all: nothing, byCategory: [nothing, nothing] });
  });
});

describe.each<By>(["boxes", "masks"])("of %s, is what brute force makes it, to 1e-9", (by) => {
  test("in small photos, with equal scores, equal overlaps, crowds and difficult objects", () => {
    fc.assert(
      fc.property(scenes(12, 1, true), (photos) => {
        expectClose(scored(photos, 3, by), bruteCoco(photos, 3, by));
      }),
      { numRuns: 150 },
    );
  });

  test("in photos with small, medium and large objects", () => {
    fc.assert(
      fc.property(scenes(200, 25, true), (photos) => {
        expectClose(scored(photos, 2, by), bruteCoco(photos, 2, by));
      }),
      { numRuns: 12 },
    );
  });
});

test("does not change when scores are raised by one to one, or when a photo is scored in between", () => {
  fc.assert(
    fc.property(scenes(12, 1, true), (photos) => {
      const raised = photos.map(({ truths, detections }) => ({
        truths,
        detections: detections.map((one): Detection => ({ ...one, score: Math.exp(one.score) - 7 })),
      }));
      const metric = new CocoMetric({ categories: 2, by: "masks" });
      for (const photo of raised) {
        metric.add(photo);
        metric.result();
      }
      expect(metric.result()).toEqual(scored(photos, 2, "masks"));
    }),
    { numRuns: 50 },
  );
});

const square: Box = [0, 0, 5, 5];
test.each<[string, By, ScoredPhoto]>([
  ["detection-category", "boxes", { truths: [], detections: [detection(square, 1, { category: 1 })] }],
  ["detection-category", "boxes", { truths: [], detections: [detection(square, 1, { category: -1 })] }],
  ["detection-score", "boxes", { truths: [], detections: [detection(square, Number.NaN)] }],
  ["detection-box", "boxes", { truths: [], detections: [detection([0, 0, -1, 5], 1)] }],
  ["detection-box", "boxes", { truths: [], detections: [detection([0, 0, Number.NaN, 5], 1)] }],
  ["truth-category", "boxes", { truths: [truth(square, { category: 7 })], detections: [] }],
  ["no-mask", "masks", { truths: [], detections: [detection(square, 1)] }],
  ["no-mask", "masks", { truths: [truth(square)], detections: [] }],
  [
    "mask-sizes",
    "masks",
    {
      truths: [truth(square, { mask: maskIn(square, 8) })],
      detections: [detection(square, 1, { mask: maskIn(square, 9) })],
    },
  ],
])("refuses with %s, comparing %s", (code, by, photo) => {
  const add = () => scored([photo], 1, by);
  expect(add).toThrow(DataError);
  expect(add).toThrow(expect.objectContaining({ code }));
});
