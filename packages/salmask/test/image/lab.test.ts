import { describe, expect, it } from "vitest";
import { labOf } from "../../src/image/lab.js";

describe("labOf", () => {
  it("gives the published colours of sRGB's corners", () => {
    const corners: [number[], number[]][] = [
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
      [
        [1, 1, 1],
        [100, 0, 0],
      ],
      [
        [1, 0, 0],
        [53.24, 80.09, 67.2],
      ],
      [
        [0, 1, 0],
        [87.73, -86.18, 83.18],
      ],
      [
        [0, 0, 1],
        [32.3, 79.19, -107.86],
      ],
      [
        [119 / 255, 119 / 255, 119 / 255],
        [50.03, 0, 0],
      ],
    ];
    const planes = [0, 1, 2].flatMap((c) => corners.map(([rgb]) => rgb[c]));
    const found = labOf(Float32Array.from(planes));
    for (const [i, [, lab]] of corners.entries())
      for (const c of [0, 1, 2]) expect(Math.abs(found[c * corners.length + i] - lab[c])).toBeLessThan(0.03);
  });
});
