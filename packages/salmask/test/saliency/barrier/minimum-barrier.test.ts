import { full, KeyedRandom, scope } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backgroundContrast } from "../../../src/saliency/barrier/background-contrast.js";
import { minimumBarrierDistance } from "../../../src/saliency/barrier/barrier-distance.js";
import { MinimumBarrierSource } from "../../../src/saliency/barrier/minimum-barrier.js";
import { squareOnNoise } from "../../support/square-on-noise.js";

/**
 * The exact distance of one channel by brute force. For each pair of bounds among the values, it finds the pixels that
 * can be reached from the border over values within the bounds. The distance of a pixel is the smallest difference of
 * such bounds.
 */
function exactDistance(values: readonly number[], height: number, width: number): number[] {
  const levels = [...new Set(values)].sort((a, b) => a - b);
  const best = values.map(() => Number.POSITIVE_INFINITY);
  for (const [i, low] of levels.entries()) {
    for (const high of levels.slice(i)) {
      const inside = (p: number) => values[p] >= low && values[p] <= high;
      const isRim = (p: number) =>
        p < width || p >= values.length - width || p % width === 0 || p % width === width - 1;
      const open = values.flatMap((_, p) => (isRim(p) && inside(p) ? [p] : []));
      const reached = new Set(open);
      for (let p = open.pop(); p !== undefined; p = open.pop()) {
        for (const next of [p - 1, p + 1, p - width, p + width]) {
          const adjacent = next >= 0 && next < height * width && Math.abs((next % width) - (p % width)) <= 1;
          if (!adjacent || reached.has(next) || !inside(next)) continue;
          reached.add(next);
          open.push(next);
        }
      }
      for (const p of reached) best[p] = Math.min(best[p], high - low);
    }
  }
  return best;
}

const picture = fc
  .record({ height: fc.integer({ min: 3, max: 6 }), width: fc.integer({ min: 3, max: 6 }) })
  .chain(({ height, width }) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      values: fc.array(fc.integer({ min: 0, max: 7 }), {
        minLength: height * width,
        maxLength: height * width,
      }),
    }),
  );

describe("minimumBarrierDistance", () => {
  it("is never below the exact distance, and nearly always equal to it", () => {
    let [same, all] = [0, 0];
    fc.assert(
      fc.property(picture, ({ height, width, values }) => {
        const found = minimumBarrierDistance(Float32Array.from(values), { height, width });
        for (const [p, exact] of exactDistance(values, height, width).entries()) {
          expect(found[p]).toBeGreaterThanOrEqual(exact);
          same += Number(found[p] === exact);
          all++;
        }
      }),
      { numRuns: 150 },
    );
    expect(same / all).toBeGreaterThan(0.95);
  });

  it("sums the channels", () => {
    const random = new KeyedRandom(3, 5);
    const size = { height: 7, width: 9 };
    const channels = [0, 1, 2].map(() => Float32Array.from({ length: 63 }, () => random.uniform()));
    const each = channels.map((channel) => minimumBarrierDistance(channel, size));
    const together = minimumBarrierDistance(Float32Array.from(channels.flatMap((c) => [...c])), size);
    for (const [p, value] of together.entries())
      expect(value).toBeCloseTo(each[0][p] + each[1][p] + each[2][p], 5);
  });
});

describe("backgroundContrast", () => {
  it("is the distance in standard deviations of the border's colours, without the largest side", () => {
    // Channels without correlation: on each side of the border, red alternates between -1 and 1; the others are
    // constant.
    const size = { height: 20, width: 20 };
    const values = new Float32Array(3 * 400);
    for (let p = 0; p < 400; p++) values[p] = (Math.floor(p / 20) + p) % 2 === 0 ? 1 : -1;
    const object = 10 * 20 + 10;
    values[object] = 5;
    const found = backgroundContrast(values, size);
    // All four sides are equal, so three of four count, each scaled to 1 at the object: |5| compared with |1|
    // elsewhere.
    expect(found[object]).toBeCloseTo(3, 5);
    expect(found[10 * 20 + 12]).toBeCloseTo(3 / 5, 5);
  });

  it("excludes the side that an object touches", () => {
    const size = { height: 20, width: 20 };
    const values = new Float32Array(1200);
    for (let y = 8; y < 20; y++) for (let x = 6; x < 14; x++) values[y * 20 + x] = 3;
    const found = backgroundContrast(values, size);
    expect(found[12 * 20 + 10]).toBeGreaterThan(2.5);
    expect(found[2 * 20 + 2]).toBeLessThan(0.7);
  });
});

describe("MinimumBarrierSource", () => {
  it("finds a square on noise, and gives a constant map for a crop of one colour", () => {
    scope(() => {
      const source = new MinimumBarrierSource();
      const { photo, isObject } = squareOnNoise();
      const map = source.maps(photo, { rows: 8, cols: 8 }).toArray();
      const cells = Array.from({ length: 64 }, (_, cell) =>
        isObject(Math.floor(cell / 8) * 8 * 64 + (cell % 8) * 8),
      );
      const inside = map.filter((_, cell) => cells[cell]);
      const outside = map.filter((_, cell) => !cells[cell]);
      expect(Math.min(...inside)).toBeGreaterThan(Math.max(...outside));

      const flat = source.maps(full([1, 3, 40, 40], 0.7), { rows: 4, cols: 4 }).toArray();
      expect(flat).toEqual(new Array(16).fill(0));
      source.dispose();
    });
  });
});
