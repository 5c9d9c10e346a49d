import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KeyedRandom } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { findPython } from "../../../torch/test/support/python.js";
import { structureMeasure } from "../../src/metrics/s-measure.js";
import {
  fMeasures,
  intersectionOverUnion,
  meanAbsoluteError,
  precisionRecall,
} from "../../src/metrics/saliency-measures.js";
import { temporaryFolder } from "../support/photos.js";

interface Case {
  width: number;
  map: Float64Array;
  mask: Uint8Array;
  found: Uint8Array;
}

/** A disc at a random position, and a map that shows it more or less well. */
function disc(seed: number): Case {
  const random = new KeyedRandom(seed, 77);
  const [width, height] = [8 + random.integer(40), 8 + random.integer(40)];
  const [x, y, r] = [random.uniform() * width, random.uniform() * height, 2 + random.uniform() * 10];
  const certainty = random.uniform();
  const inside = (i: number) => Math.hypot((i % width) - x, Math.floor(i / width) - y) < r;
  const pixels = Array.from({ length: width * height }, (_, i) => inside(i));
  return {
    width,
    mask: Uint8Array.from(pixels, Number),
    map: Float64Array.from(pixels, (on) => certainty * Number(on) + (1 - certainty) * random.uniform()),
    found: Uint8Array.from(pixels, (on) => Number(on) ^ Number(random.uniform() < 0.2)),
  };
}

/** Masks without an object, without background, of one pixel; maps of one value. */
function corners(): Case[] {
  const size = 30;
  const ramp = Float64Array.from({ length: size }, (_, i) => i / (size - 1));
  const flat = new Float64Array(size);
  const none = new Uint8Array(size);
  const all = new Uint8Array(size).fill(1);
  const one = Uint8Array.from({ length: size }, (_, i) => Number(i === 7));
  return [none, all, one].flatMap((mask) =>
    [ramp, flat].map((map): Case => ({ width: 6, mask, map, found: mask })),
  );
}

describe("the measures", () => {
  it("agree with an independent program to 1e-6", async () => {
    const cases = [...Array.from({ length: 40 }, (_, seed) => disc(seed)), ...corners()];
    const path = join(await temporaryFolder(), "cases.json");
    const plain = cases.map(({ width, map, mask, found }) => ({
      ...{ width, map: Array.from(map), mask: Array.from(mask), found: Array.from(found) },
    }));
    writeFileSync(path, JSON.stringify(plain));
    const script = fileURLToPath(new URL("measures_golden.py", import.meta.url));
    const answers = JSON.parse(execFileSync(findPython(), [script, path], { encoding: "utf8" }));
    expect(answers).toHaveLength(cases.length);
    for (const [i, { width, map, mask, found }] of cases.entries()) {
      const { mae, maxF, s, iou } = answers[i];
      expect(meanAbsoluteError(map, mask), `MAE of ${i}`).toBeCloseTo(mae, 6);
      expect(Math.max(...fMeasures(precisionRecall(map, mask))), `F of ${i}`).toBeCloseTo(maxF, 6);
      expect(structureMeasure(map, mask, width), `S of ${i}`).toBeCloseTo(s, 6);
      expect(intersectionOverUnion(found, mask), `IoU of ${i}`).toBeCloseTo(iou, 6);
    }
  });

  it("are best for a map that is the mask, and worst for its opposite", () => {
    const { mask, width } = disc(3);
    const perfect = Float64Array.from(mask);
    const opposite = perfect.map((value) => 1 - value);
    expect(meanAbsoluteError(perfect, mask)).toBe(0);
    expect(Math.max(...fMeasures(precisionRecall(perfect, mask)))).toBeCloseTo(1, 12);
    expect(structureMeasure(perfect, mask, width)).toBeCloseTo(1, 6);
    expect(meanAbsoluteError(opposite, mask)).toBe(1);
    expect(structureMeasure(opposite, mask, width)).toBeLessThan(0.2);
  });
});
