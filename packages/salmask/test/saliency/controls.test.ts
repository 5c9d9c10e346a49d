import { scope, zeros } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { runlessSource } from "../../src/saliency/registry.js";
import { runlessSources } from "../../src/saliency/settings.js";
import { foregroundCells } from "../../src/saliency/threshold.js";

describe("sources that need no run", () => {
  it.each(runlessSources)("%s gives a map of the asked size for every crop", (name) => {
    const shape = scope(() => runlessSource(name).maps(zeros([2, 3, 32, 32]), { rows: 4, cols: 6 }).shape);
    expect(shape).toEqual([2, 4, 6]);
  });

  it("centre is highest in the middle, and symmetric", () => {
    const maps = scope(() =>
      runlessSource("centre")
        .maps(zeros([1, 3, 8, 8]), { rows: 5, cols: 5 })
        .toArray(),
    );
    expect(Math.max(...maps)).toBe(maps[12]);
    expect(maps).toEqual([...maps].reverse());
    expect(maps[2]).toBeCloseTo(maps[10], 6);
    // Two of five cells from the centre are 0.4 of the side.
    expect(maps[10]).toBeCloseTo(Math.exp(-(0.4 ** 2) / (2 * 0.25 ** 2)), 6);
  });

  it("uniform has no background, so that masks are random like the random control", () => {
    const { shares } = scope(() =>
      foregroundCells(runlessSource("uniform").maps(zeros([3, 3, 8, 8]), { rows: 4, cols: 4 })),
    );
    expect(Array.from(shares)).toEqual([1, 1, 1]);
  });
});
