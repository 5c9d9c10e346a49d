import { fromTypedArray, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { type ClassificationScores, classificationScores } from "../../src/metrics/classification.js";

const scoresOf = (rows: readonly (readonly number[])[], labels: readonly number[]): ClassificationScores =>
  scope(() =>
    classificationScores(
      fromTypedArray(Float32Array.from(rows.flat()), [rows.length, rows[0].length]), // [M, classes]
      Int32Array.from(labels),
    ),
  );

describe("classificationScores", () => {
  it("counts what was taken for what, by hand", () => {
    const found = scoresOf(
      [
        [3, 1, 2],
        [0, 5, 1],
        [2, 1, 0],
        [0, 1, 9],
        [4, 0, 0],
      ],
      [0, 1, 1, 2, 2],
    );
    expect(found).toEqual({
      top1: 3 / 5,
      top5: null,
      meanPerClass: (1 + 1 / 2 + 1 / 2) / 3,
      perClass: [1, 1 / 2, 1 / 2],
      confusion: [
        [1, 0, 0],
        [1, 1, 0],
        [1, 0, 1],
      ],
    });
  });

  it("leaves a class without photos out of the mean", () => {
    const { perClass, meanPerClass } = scoresOf(
      [
        [1, 0, 0],
        [1, 0, 0],
      ],
      [0, 1],
    );
    expect(perClass).toEqual([1, 0, null]);
    expect(meanPerClass).toBe(0.5);
  });

  it("counts a photo among the first five where at most four classes come before its own", () => {
    const ranks = [0, 1, 4, 5, 6];
    const rows = ranks.map((rank) => Array.from({ length: 7 }, (_, i) => (i === 0 ? 7 - rank - 0.5 : 7 - i)));
    const { top1, top5 } = scoresOf(rows, [0, 0, 0, 0, 0]);
    expect(top1).toBe(1 / 5);
    expect(top5).toBe(3 / 5);
  });

  it("gives a class whose score is no number the last place", () => {
    const row = [Number.NaN, 1, 2, 3, 4, 5, 6];
    expect(scoresOf([row], [0])).toMatchObject({ top5: 0 });
    expect(scoresOf([row], [6])).toMatchObject({ top1: 0, top5: 1 });
  });
});
