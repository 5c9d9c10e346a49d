import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { barrierMap } from "../../../src/saliency/barrier/barrier-map.js";
import { smoothByReconstruction } from "../../../src/saliency/barrier/reconstruction.js";

const [height, width] = [11, 13];

/** The pixels within `radius` rows and columns. */
function around(p: number, radius: number): number[] {
  const [y, x] = [Math.floor(p / width), p % width];
  const rows = Array.from({ length: height }, (_, i) => i).filter((i) => Math.abs(i - y) <= radius);
  const cols = Array.from({ length: width }, (_, i) => i).filter((i) => Math.abs(i - x) <= radius);
  return rows.flatMap((row) => cols.map((col) => row * width + col));
}

/** The pixel and the up to four that share an edge with it. */
function touching(p: number): number[] {
  return around(p, 1).filter((q) => [0, 1, width].includes(Math.abs(q - p)));
}

/** Opening by reconstruction from its definition: the eroded map grows under the map, step by step. */
function opened(map: readonly number[], radius: number): number[] {
  let grown = map.map((_, p) => Math.min(...around(p, radius).map((q) => map[q])));
  for (;;) {
    const next = grown.map((_, p) => Math.min(map[p], Math.max(...touching(p).map((q) => grown[q]))));
    if (next.every((value, p) => value === grown[p])) return grown;
    grown = next;
  }
}

describe("smoothByReconstruction", () => {
  it("is the definition of opening and closing by reconstruction", () => {
    const random = new KeyedRandom(5, 1);
    for (const [side, radius] of [
      [3, 1],
      [4.2, 2],
    ]) {
      const map = Float32Array.from({ length: height * width }, () => Math.floor(8 * random.uniform()));
      const expected = opened(
        opened([...map], radius).map((value) => -value),
        radius,
      ).map((value) => -value + 0);
      expect([...smoothByReconstruction(map, { height, width }, side)].map((value) => value + 0)).toEqual(
        expected,
      );
    }
  });

  it("does nothing with a square of one pixel", () => {
    const map = Float32Array.from({ length: height * width }, (_, p) => (p * 37) % 11);
    expect(smoothByReconstruction(map, { height, width }, 0.3)).toEqual(map);
  });
});

describe("barrierMap", () => {
  it("gives a square on noise much and the rest little, on any level of brightness", () => {
    const size = { height: 48, width: 48 };
    const isObject = (p: number) => p % 48 >= 12 && p % 48 < 32 && p >= 48 * 20 && p < 48 * 40;
    for (const level of [0.1, 0.5]) {
      const random = new KeyedRandom(6, 1);
      const normalised = Float32Array.from(
        { length: 3 * 2304 },
        (_, i) => level + 0.1 * random.uniform() + (isObject(i % 2304) ? 0.3 : 0),
      );
      for (const [p, value] of barrierMap({ normalised, lab: normalised, size }).entries()) {
        if (isObject(p)) expect(value).toBeGreaterThan(0.7);
        else expect(value).toBeLessThan(0.3);
      }
    }
  });
});
