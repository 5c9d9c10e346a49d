import { KeyedRandom } from "@salmask/torch";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meansOf, regionsOf, toPixels } from "../../../src/saliency/regions/regions.js";
import { superpixels } from "../../../src/saliency/regions/superpixels.js";

/** A picture in CIELAB of random blocks under noise. */
const picture = fc
  .record({
    height: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 40 }),
    wanted: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(1000),
  })
  .map(({ height, width, wanted, seed }) => {
    const random = new KeyedRandom(seed, 3);
    const blocks = Array.from({ length: 75 }, () => 100 * random.uniform());
    const lab = Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const p = i % (height * width);
      const block = 5 * Math.floor(p / width / 8) + Math.floor((p % width) / 8);
      return blocks[25 * Math.floor(i / (height * width)) + block] + 5 * random.uniform();
    });
    return { height, width, wanted, lab };
  });

/** Pixels that can be reached from `start` over edges within its part. */
function reachable(labels: Int32Array, start: number, height: number, width: number): Set<number> {
  const found = new Set([start]);
  for (const p of found) {
    for (const [dy, dx] of [
      [0, 1],
      [0, -1],
      [1, 0],
      [-1, 0],
    ]) {
      const [y, x] = [Math.floor(p / width) + dy, (p % width) + dx];
      if (y < 0 || x < 0 || y >= height || x >= width) continue;
      if (labels[y * width + x] === labels[start]) found.add(y * width + x);
    }
  }
  return found;
}

describe("superpixels", () => {
  it("is a partition into connected parts without crumbs", () => {
    fc.assert(
      fc.property(picture, ({ height, width, wanted, lab }) => {
        const { labels, count } = superpixels(lab, { height, width }, { wanted });
        const sizes = new Map<number, number>();
        for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
        expect([...sizes.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        for (const [label, size] of sizes)
          expect(reachable(labels, labels.indexOf(label), height, width).size).toBe(size);
        const least = (0.25 * height * width) / Math.max(wanted, 1);
        // The part in the first corner has no neighbour that was numbered before it; rounding changes the wanted number.
        if (height > 8 && width > 8)
          for (const [label, size] of sizes) if (label > 0) expect(size).toBeGreaterThan(least / 2);
      }),
      { numRuns: 60 },
    );
  });

  it("follows the edges of a square, and gives about the wanted number of parts", () => {
    const size = { height: 64, width: 64 };
    const isObject = (p: number) => p % 64 >= 21 && p % 64 < 43 && p >= 64 * 13 && p < 64 * 46;
    const lab = Float32Array.from({ length: 3 * 4096 }, (_, i) => (isObject(i % 4096) ? 60 : 0));
    const { labels, count } = superpixels(lab, size, { wanted: 100 });
    expect(count).toBeGreaterThan(70);
    expect(count).toBeLessThan(130);
    const inside = new Set([...labels].filter((_, p) => isObject(p)));
    const outside = new Set([...labels].filter((_, p) => !isObject(p)));
    expect([...inside].filter((label) => outside.has(label))).toEqual([]);
  });

  it("gives equal squares where all pixels have one colour", () => {
    const { labels, count } = superpixels(
      new Float32Array(3 * 729),
      { height: 27, width: 27 },
      { wanted: 9 },
    );
    expect(count).toBe(9);
    for (let p = 0; p < 729; p++)
      expect(labels[p]).toBe(3 * Math.floor(p / 27 / 9) + Math.floor((p % 27) / 9));
  });
});

describe("regionsOf", () => {
  it("knows looks, places, neighbours and border, as counted pixel by pixel", () => {
    fc.assert(
      fc.property(picture, ({ height, width, wanted, lab }) => {
        const regions = regionsOf(lab, { height, width }, { wanted });
        const { labels, count, areas, places, looks, differences, onBorder, neighbours, sides, links } =
          regions;
        const pixels = Array.from(labels.keys());
        const touch = new Uint8Array(count * count);
        for (const p of pixels) {
          for (const q of [p + 1, p + width]) {
            const isEdge = q < labels.length && (q === p + width || q % width !== 0);
            if (isEdge && labels[p] !== labels[q]) {
              touch[labels[p] * count + labels[q]] = 1;
              touch[labels[q] * count + labels[p]] = 1;
            }
          }
        }
        const mean = (of: number, value: (p: number) => number) =>
          pixels.reduce((sum, p) => sum + (labels[p] === of ? value(p) : 0), 0) / areas[of];
        const plane = (c: number) => (p: number) => lab[c * labels.length + p];
        const isOutermost = (p: number) =>
          p < width || p >= width * (height - 1) || p % width === 0 || p % width === width - 1;
        const change = (p: number) =>
          isOutermost(p) ? 0 : Math.hypot(lab[p + 1] - lab[p - 1], lab[p + width] - lab[p - width]);
        const lookOf = (i: number) => {
          const means = [0, 1, 2].map((c) => mean(i, plane(c)));
          const spreads = means.map((middle, c) => Math.sqrt(mean(i, (p) => (plane(c)(p) - middle) ** 2)));
          return [...means, ...spreads, mean(i, change)];
        };
        const expected = Array.from({ length: count }, (_, i) => lookOf(i));
        for (let i = 0; i < count; i++) {
          for (const [k, value] of expected[i].entries()) expect(looks[7 * i + k]).toBeCloseTo(value, 3);
          expect(areas[i]).toBe(pixels.filter((p) => labels[p] === i).length);
          expect(places[2 * i]).toBeCloseTo(
            mean(i, (p) => (Math.floor(p / width) + 0.5) / height),
            8,
          );
          expect(places[2 * i + 1]).toBeCloseTo(
            mean(i, (p) => ((p % width) + 0.5) / width),
            8,
          );
          expect(Boolean(onBorder[i])).toBe(sides.some((side) => side.includes(i)));
          for (let j = 0; j < count; j++) {
            expect(neighbours[i].includes(j)).toBe(touch[i * count + j] === 1);
            const apart = Math.hypot(...expected[i].map((value, k) => value - expected[j][k]));
            expect(differences[i * count + j]).toBeCloseTo(apart, 3);
            const between = Array.from(
              { length: count },
              (_, k) => touch[i * count + k] & touch[k * count + j],
            );
            const isLinked = touch[i * count + j] | Math.max(0, ...between) | (onBorder[i] & onBorder[j]);
            expect(links[i * count + j]).toBe(i === j ? 0 : isLinked);
          }
        }
        const [top, bottom, left, right] = sides.map((side) => [...side].sort((a, b) => a - b));
        const labelsOf = (is: (p: number) => boolean) =>
          [...new Set(pixels.filter(is).map((p) => labels[p]))].sort((a, b) => a - b);
        expect(top).toEqual(labelsOf((p) => p < width));
        expect(bottom).toEqual(labelsOf((p) => p >= width * (height - 1)));
        expect(left).toEqual(labelsOf((p) => p % width === 0));
        expect(right).toEqual(labelsOf((p) => p % width === width - 1));
      }),
      { numRuns: 25 },
    );
  });

  it("takes values to pixels and back", () => {
    const random = new KeyedRandom(2, 3);
    const lab = Float32Array.from({ length: 3 * 600 }, () => 100 * random.uniform());
    const regions = regionsOf(lab, { height: 20, width: 30 }, { wanted: 12 });
    const values = Float32Array.from({ length: regions.count }, () => random.uniform());
    for (const [i, mean] of meansOf(regions, toPixels(regions, values)).entries())
      expect(mean).toBeCloseTo(values[i], 6);
  });
});
