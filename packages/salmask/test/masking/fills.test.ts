import { fromTypedArray, KeyedRandom, scope, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import type { FillContext } from "../../src/masking/fills/fill.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import { fillNames } from "../../src/masking/settings.js";

const defaults = configSchema.parse({}).mask;
const [batch, side] = [2, 40];
const context = (
  over: Partial<FillContext["key"]> = {},
  role: FillContext["role"] = "positive",
): FillContext => ({
  role,
  key: { seed: 1, epoch: 2, ids: [3, 4], view: 0, ...over },
});

function crops(): Tensor {
  const random = new KeyedRandom(11);
  const data = Float32Array.from({ length: batch * 3 * side * side }, () => 1 + 2 * random.normal());
  return fromTypedArray(data, [batch, 3, side, side]);
}

/** Blur as a sum over the whole square kernel, with reflected borders: one plane `[side, side]`. */
function blurred(plane: Float32Array, kernel: number, sigma: number): number[] {
  const half = (kernel - 1) / 2;
  const reflect = (i: number) => (i < 0 ? -i : i >= side ? 2 * side - 2 - i : i);
  return Array.from(plane, (_, pixel) => {
    let [sum, total] = [0, 0];
    for (let dy = -half; dy <= half; dy++) {
      for (let dx = -half; dx <= half; dx++) {
        const weight = Math.exp(-(dy ** 2 + dx ** 2) / (2 * sigma ** 2));
        total += weight;
        sum += weight * plane[reflect(Math.floor(pixel / side) + dy) * side + reflect((pixel % side) + dx)];
      }
    }
    return sum / total;
  });
}

function expectPlanes(
  actual: Float32Array,
  input: Float32Array,
  expected: (plane: Float32Array) => number[],
): void {
  const each = side * side;
  for (let p = 0; p < batch * 3; p++) {
    const wanted = expected(input.subarray(p * each, (p + 1) * each));
    for (let i = 0; i < each; i++) expect(Math.abs(actual[p * each + i] - wanted[i])).toBeLessThan(1e-4);
  }
}

const deviation = (values: readonly number[]) => {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
};

describe("fills", () => {
  it("knows every fill by its name, and only high-pass changes what is not masked", () => {
    for (const name of fillNames) {
      const fill = fillOf({ ...defaults, fill: name });
      expect(fill.name).toBe(name);
      scope(() => {
        const input = crops();
        const colours = fill.prepare(input).narrow(1, 0, 3); // [2, 3, side, side]
        const same = colours.sub(input).abs().amax().item() === 0;
        expect(same).toBe(name !== "high-pass");
      });
      expect(fill.shapes).toEqual(
        name === "high-pass" ? { focal: 0.2, channelwise: 0.7 } : { focal: 0, channelwise: 0 },
      );
    }
  });

  it("hidden: a fourth plane that is 1 where masked, over the mean colour, and the same colours elsewhere", () => {
    scope(() => {
      const input = crops();
      const fill = fillOf({ ...defaults, fill: "hidden" });
      const prepared = fill.prepare(input); // [2, 4, side, side]
      expect(prepared.shape).toEqual([batch, 4, side, side]);
      expect(prepared.narrow(1, 0, 3).toFloat32Array()).toEqual(input.toFloat32Array());
      expect(prepared.narrow(1, 3, 1).abs().amax().item()).toBe(0);
      const replaced = fill.replacement(prepared, context()).expand(prepared.shape); // [2, 4, side, side]
      expect(replaced.narrow(1, 0, 3).abs().amax().item()).toBe(0);
      expect(replaced.narrow(1, 3, 1).amin().item()).toBe(1);
      expect(fill.shapes).toEqual({ focal: 0, channelwise: 0 });
    });
  });

  it("mean: each crop's and channel's own mean, over the whole crop", () => {
    scope(() => {
      const input = crops();
      const replaced = fillOf({ ...defaults, fill: "mean" }).replacement(input, context());
      expectPlanes(replaced.expand(input.shape).toFloat32Array(), input.toFloat32Array(), (plane) =>
        new Array(plane.length).fill(plane.reduce((a, b) => a + b) / plane.length),
      );
    });
  });

  it("zero: the mean colour of normalised photos", () => {
    scope(() => {
      const replaced = fillOf({ ...defaults, fill: "zero" }).replacement(crops(), context());
      expect(replaced.expand([batch, 3, side, side]).toArray()).toEqual(
        new Array(batch * 3 * side ** 2).fill(0),
      );
    });
  });

  it("noise: of deviation 1 or of the setting's, in views that are not filtered, by each photo's own key", () => {
    scope(() => {
      const input = crops();
      for (const [noise, expected] of [
        [undefined, 1],
        [0.3, 0.3],
      ] as const) {
        const fill = fillOf({ ...defaults, fill: "noise", noise });
        const values = fill.replacement(input, context());
        expect(Math.abs(deviation(values.toArray()) / expected - 1)).toBeLessThan(0.03);
        const alone = fill.replacement(input, context({ ids: [4, 9] }));
        expect(values.narrow(0, 1, 1).toArray()).toEqual(alone.narrow(0, 0, 1).toArray());
      }
    });
  });

  it("other-photo: the same pixels of another photo of the batch, each photo's once, never its own", () => {
    const fill = fillOf({ ...defaults, fill: "other-photo" });
    const circles = new Set<string>();
    for (let epoch = 0; epoch < 40; epoch++) {
      const ids = [3, 4, 8, 11, 2];
      const partners = fill.partners?.(context({ epoch, ids }).key) ?? new Int32Array();
      expect(Array.from(partners).sort()).toEqual([0, 1, 2, 3, 4]);
      expect(Array.from(partners).filter((partner, photo) => partner === photo)).toEqual([]);
      circles.add(partners.join());
    }
    // There are 24 circles of five photos, and 40 draws find most of them.
    expect(circles.size).toBeGreaterThan(12);
    scope(() => {
      const input = crops();
      const replaced = fill.replacement(input, context());
      expect(replaced.toArray()).toEqual([...input.select(0, 1).toArray(), ...input.select(0, 0).toArray()]);
    });
    expect(fill.partners?.(context({ ids: [6] }).key)).toEqual(Int32Array.of(0));
  });

  it("blur: the crop under a Gaussian of 31 taps and sigma 10", () => {
    scope(() => {
      const input = crops();
      const replaced = fillOf({ ...defaults, fill: "blur" }).replacement(input, context());
      expectPlanes(replaced.toFloat32Array(), input.toFloat32Array(), (plane) => blurred(plane, 31, 10));
    });
  });

  it("high-pass: every view minus its blur of 11 taps and sigma 5", () => {
    scope(() => {
      const input = crops();
      const prepared = fillOf({ ...defaults, fill: "high-pass" }).prepare(input);
      expectPlanes(prepared.toFloat32Array(), input.toFloat32Array(), (plane) => {
        const low = blurred(plane, 11, 5);
        return Array.from(plane, (value, i) => value - low[i]);
      });
    });
  });

  it("high-pass noise: deviation 0.18 in a positive and 0.14 in a negative, separate for every cell and image", () => {
    scope(() => {
      const input = crops();
      const fill = fillOf({ ...defaults, fill: "high-pass" });
      for (const [role, std] of [
        ["positive", 0.18],
        ["negative", 0.14],
      ] as const) {
        const values = fill.replacement(input, context({}, role)).toArray();
        expect(Math.abs(deviation(values) / std - 1)).toBeLessThan(0.03);
        expect(Math.abs(values.reduce((a, b) => a + b) / values.length)).toBeLessThan(0.01);
        // No noise is used twice: all values of the batch differ, and cells are uncorrelated.
        expect(new Set(values).size).toBeGreaterThan(0.99 * values.length);
        const tile = (image: number, channel: number, top: number, left: number) =>
          Array.from({ length: 64 }, (_, i) => {
            const [y, x] = [top + Math.floor(i / 8), left + (i % 8)];
            return values[((image * 3 + channel) * side + y) * side + x];
          });
        const first = tile(0, 0, 0, 0);
        for (const other of [tile(0, 0, 0, 8), tile(0, 0, 8, 0), tile(0, 1, 0, 0), tile(1, 0, 0, 0)]) {
          const together = first.reduce((sum, value, i) => sum + value * other[i], 0) / 64 / std ** 2;
          expect(Math.abs(together)).toBeLessThan(0.6); // 5 standard deviations
        }
      }
    });
  });

  it("high-pass noise depends only on seed, epoch, image and view, not on the batch", () => {
    scope(() => {
      const input = crops();
      const fill = fillOf({ ...defaults, fill: "high-pass" });
      const noise = (over: Partial<FillContext["key"]>) => fill.replacement(input, context(over)); // [2, 3, H, W]
      const same = (a: Tensor, b: Tensor) => a.sub(b).abs().amax().item() === 0;
      const base = noise({});
      expect(same(base, noise({}))).toBe(true);
      expect(same(base.narrow(0, 1, 1), noise({ ids: [4, 9] }).narrow(0, 0, 1))).toBe(true);
      for (const over of [{ seed: 2 }, { epoch: 3 }, { view: 1 }, { ids: [5, 6] }]) {
        expect(same(base, noise(over)), JSON.stringify(over)).toBe(false);
      }
    });
  });
});
