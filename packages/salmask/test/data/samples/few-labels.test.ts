import { describe, expect, it } from "vitest";
import { withKnownLabels } from "../../../src/data/samples/few-labels.js";
import { labelBudget } from "../../../src/data/samples/label-budget.js";

/** Three classes of 100, 10 and 3 photos, and two photos without a label. */
const labels = Int32Array.from([
  ...Array.from({ length: 100 }, () => 0),
  -1,
  ...Array.from({ length: 10 }, () => 1),
  ...[2, 2, 2, -1],
]);

const countsOf = (photos: Int32Array) =>
  [0, 1, 2].map((label) => photos.filter((photo) => labels[photo] === label).length);
const known = (text: string, seed = 0) => withKnownLabels(labels, 3, labelBudget(text), seed);

describe("withKnownLabels", () => {
  it.each([
    ["all", [100, 10, 3]],
    ["100%", [100, 10, 3]],
    ["10%", [10, 1, 1]],
    ["1%", [1, 1, 1]],
    ["12.5%", [13, 1, 1]],
    ["5", [5, 5, 3]],
    ["1", [1, 1, 1]],
  ])("%s are %j photos per class, each once", (text, counts) => {
    const photos = known(text);
    expect(countsOf(photos)).toEqual(counts);
    expect(new Set(photos).size).toBe(photos.length);
    expect(Array.from(photos)).toEqual(Array.from(photos).sort((a, b) => a - b));
  });

  it("has the photos of a smaller budget among those of a larger one", () => {
    const many = new Set(known("20%"));
    expect(Array.from(known("10%")).filter((photo) => !many.has(photo))).toEqual([]);
    const ten = new Set(known("10"));
    expect(Array.from(known("3")).filter((photo) => !ten.has(photo))).toEqual([]);
  });

  it("depends on the seed alone", () => {
    expect(known("10%", 4)).toEqual(known("10%", 4));
    expect(known("10%", 4)).not.toEqual(known("10%", 5));
  });
});
