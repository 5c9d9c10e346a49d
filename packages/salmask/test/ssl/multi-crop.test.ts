import { describe, expect, it } from "vitest";
import { onCpu } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import { mirroredViews } from "../../src/ssl/mirrored-views.js";
import { localCropOf, multiCropViews } from "../../src/ssl/multi-crop.js";
import type { MultiCropSettings } from "../../src/ssl/multi-crop-settings.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import { measureSpeed } from "../../src/tasks/pretrain/measure-speed.js";

const config = (given: object) => configSchema.parse(given);
const crops: MultiCropSettings = { localCrops: 6, localCrop: "auto", localScale: [0.05, 0.14] };
const small = { arch: "resnet18", width: 4, stem: "small" };

describe("multi-crop", () => {
  it("adds small crops to two large ones, as in the paper: 6 of 96 pixels beside 224, of 5 to 14 % of a photo, whole", () => {
    const settings = config({ method: { name: "swav" } });
    const [first, second, local, ...others] = builtInMethods.recipe(settings).kinds;
    expect([first, second]).toEqual(mirroredViews(settings).kinds);
    expect(others).toEqual([]);
    expect(local).toEqual({
      name: "local",
      count: 6,
      crop: 96,
      augment: { ...settings.augment, scale: [0.05, 0.14] },
      mask: null,
      findsObject: false,
    });
    expect(multiCropViews(settings, { ...crops, localCrops: 0 }).kinds).toHaveLength(2);
  });

  it("takes the nearest number of whole cells, or a given side that is one", () => {
    const settings = config({ data: { crop: 32 }, model: small });
    expect(localCropOf(settings, crops)).toBe(16);
    expect(localCropOf(config({ data: { crop: 8 }, model: small }), crops)).toBe(8);
    expect(localCropOf(settings, { ...crops, localCrop: 24 })).toBe(24);
    expect(() => localCropOf(settings, { ...crops, localCrop: 20 })).toThrow(/multiple of 8 pixels.*got 20/);
  });
});

it.each(["swav", "dino"])("%s refuses hard negatives by name, and has none by default", (name) => {
  expect(config({ method: { name } }).mask.negative.count).toBe(0);
  const refused = configSchema.safeParse({ method: { name }, mask: { negative: { count: 1 } } });
  expect(refused.error?.issues[0].message).toContain(`${name}, which has no place for hard negatives`);
});

it.each(["swav", "dino"])(
  "%s trains ConvNets and transformers on small crops, and against learned masks",
  async (name) => {
    const settings = {
      data: { crop: 16 },
      model: small,
      method: { name, dim: 8, hidden: 8, prototypes: 12, localCrops: 2, localCrop: 8 },
      train: { epochs: 1, batchSize: 4 },
      saliency: { source: "spectral-residual", scope: "crop" },
    };
    const adios = { occlusion: { name: "adios-s", masks: 2, channels: 2 }, mask: { fill: "none" } };
    const transformer = { model: { arch: "vit_tiny", width: 8, stem: "small" } };
    for (const given of [settings, { ...settings, ...adios }, { ...settings, ...transformer }]) {
      expect((await measureSpeed(config(given), onCpu)).step).toBeGreaterThan(0);
    }
  },
);
