import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { full, KeyedRandom, scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findPython } from "../../../../torch/test/support/python.js";
import {
  backgroundDetection,
  backgroundProbability,
} from "../../../src/saliency/regions/background-detection.js";
import { cellularAutomaton } from "../../../src/saliency/regions/cellular-automaton.js";
import { manifoldRanking } from "../../../src/saliency/regions/manifold-ranking.js";
import { refine } from "../../../src/saliency/regions/refine.js";
import { meansOf, type Regions, regionsOf } from "../../../src/saliency/regions/regions.js";
import { smoothRegions } from "../../../src/saliency/regions/smooth-regions.js";
import { runlessSource } from "../../../src/saliency/registry.js";
import { squareOnNoise } from "../../support/square-on-noise.js";

const values = z.array(z.number());
const golden = z.object({
  probability: values,
  detected: values,
  ranked: values,
  automaton: values,
  smooth: values,
  refined: values,
});

/** CIELAB of random blocks of 8 x 8 pixels under noise, `[3 * 48 * 40]`. */
function blocks(): Float32Array {
  const random = new KeyedRandom(8, 1);
  const colours = Float32Array.from({ length: 90 }, () => 40 * random.uniform());
  return Float32Array.from({ length: 3 * 48 * 40 }, (_, i) => {
    const [plane, p] = [Math.floor(i / 1920), i % 1920];
    const block = 5 * Math.floor(p / 320) + Math.floor((p % 40) / 8);
    return colours[30 * plane + block] + 4 * random.uniform();
  });
}

/** What NumPy makes of the same regions. */
function computed(regions: Regions, foreground: number[], background: number[]) {
  const rows = (table: Float64Array, length: number) =>
    Array.from({ length: regions.count }, (_, i) => [...table.subarray(length * i, length * (i + 1))]);
  const { neighbours, sides, areas, looks, places } = regions;
  const tables = { looks: rows(looks, 7), places: rows(places, 2), areas: [...areas] };
  const input = JSON.stringify({ ...tables, neighbours, sides, foreground, background });
  const script = fileURLToPath(new URL("regions_golden.py", import.meta.url));
  return golden.parse(JSON.parse(execFileSync(findPython(), [script], { input, encoding: "utf8" })));
}

function expectClose(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
}

describe("the saliency of regions", () => {
  it("is that of the papers' formulas, computed with NumPy", () => {
    const lab = blocks();
    const regions = regionsOf(lab, { height: 48, width: 40 }, { wanted: 50 });
    const random = new KeyedRandom(9, 1);
    const weights = () => Array.from({ length: regions.count }, () => random.uniform());
    const [foreground, background] = [weights(), weights()];
    const expected = computed(regions, foreground, background);
    expectClose(backgroundProbability(regions), expected.probability);
    expectClose(backgroundDetection(regions), expected.detected);
    expectClose(manifoldRanking(regions), expected.ranked);
    expectClose(cellularAutomaton(regions), expected.automaton);
    expectClose(smoothRegions(regions, foreground, background), expected.smooth);
    expectClose(refine(regions, Float64Array.from(foreground)), expected.refined);
  });

  it("calls a square of another colour no background at all, and the rest by the closed form", () => {
    const lab = Float32Array.from({ length: 3 * 4096 }, (_, i) => {
      const [y, x] = [Math.floor((i % 4096) / 64), i % 64];
      return y >= 20 && y < 44 && x >= 16 && x < 40 ? 90 : 10;
    });
    const found = regionsOf(lab, { height: 64, width: 64 }, { wanted: 64 });
    const object = meansOf(found, lab.subarray(0, 4096)).map((lightness) => Number(lightness > 50));
    const differences = Float64Array.from({ length: found.count ** 2 }, (_, at) =>
      object[Math.floor(at / found.count)] === object[at % found.count] ? 0 : 80,
    );
    const regions = { ...found, differences };
    const outside = object.filter((value) => value === 0).length;
    const border = regions.onBorder.reduce((sum, on) => sum + on, 0);
    const expected = 1 - Math.exp(-(border ** 2 / outside) / 2);
    for (const [i, probability] of backgroundProbability(regions).entries())
      expect(probability).toBeCloseTo(object[i] === 1 ? 0 : expected, 8);
  });
});

describe.each(["background-detection", "manifold-ranking", "cellular-automaton", "consensus"] as const)(
  "the source %s",
  (name) => {
    it("finds a square on noise, and gives a constant map for a crop of one colour", () => {
      scope(() => {
        const source = runlessSource(name);
        const { photo, isObject } = squareOnNoise();
        const map = source.maps(photo, { rows: 8, cols: 8 }).toArray();
        for (const [cell, value] of map.entries()) {
          const isInside = isObject(Math.floor(cell / 8) * 8 * 64 + (cell % 8) * 8);
          if (isInside) expect(value).toBeGreaterThan(0.7);
          else expect(value).toBeLessThan(0.3);
        }
        for (const side of [1, 40]) {
          const flat = source.maps(full([1, 3, side, side], 0.7), { rows: 4, cols: 4 }).toArray();
          expect(flat).toEqual(new Array(16).fill(flat[0]));
        }
      });
    });
  },
);
