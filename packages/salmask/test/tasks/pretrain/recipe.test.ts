import { describe, expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema, type RunConfig } from "../../../src/config/schema.js";
import { gridFor } from "../../../src/masking/grid.js";
import { strideOf } from "../../../src/models/registry.js";
import { chooseRecipe, type Recipe, type Situation } from "../../../src/tasks/pretrain/recipe.js";

/** A model of the time per step: proportional to the network's width and the crop's area, divided by the machine's speed. */
const machine =
  (speed: number) =>
  async ({ data, model, train }: RunConfig) => {
    const layers = model.arch === "resnet50" ? 4 : 1;
    const plane = model.stem === "small" ? data.crop ** 2 : (data.crop / 4) ** 2;
    return { step: (train.batchSize * plane * model.width ** 2 * layers) / speed, photo: 0.01 };
  };

/** With width 8 at 32 px and batches of 64 a step takes 0.2 s: about two cores. */
const laptop = machine(21e6);

const usual: Situation = { photos: 3000, shortSide: 200, seconds: 600, compute: onCpu };

const choose = (change: Partial<Situation> = {}, timer = laptop): Promise<Recipe> =>
  chooseRecipe({ ...usual, ...change }, undefined, timer);

const trainingSeconds = async ({ settings }: Recipe, photos: number, timer = laptop): Promise<number> => {
  const { step, photo } = await timer(configSchema.parse(settings));
  return photos * photo + settings.train.epochs * Math.floor(photos / settings.train.batchSize) * step;
};

describe("chooseRecipe", () => {
  it("uses the available time, and leaves some for decoding and the comparison", async () => {
    for (const seconds of [120, 600, 3600]) {
      const recipe = await choose({ seconds });
      const training = await trainingSeconds(recipe, 3000);
      expect(training, `${seconds} s`).toBeLessThanOrEqual(0.85 * seconds);
      expect(training, `${seconds} s`).toBeGreaterThan(0.5 * seconds);
    }
  });

  it("chooses a larger network or crop for more time or a faster machine", async () => {
    const cost = ({ settings: { model, data } }: Recipe) => model.width * data.crop;
    const costs = [];
    for (const seconds of [60, 600, 6000, 60000]) costs.push(cost(await choose({ seconds })));
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
    expect(costs[3]).toBeGreaterThan(costs[0]);
    expect(cost(await choose({}, machine(21e9)))).toBeGreaterThan(cost(await choose()));
  });

  it("chooses no crop larger than the photos, and only crops that the network divides", async () => {
    for (const shortSide of [28, 40, 50, 100, 300]) {
      const { settings } = await choose({ shortSide, seconds: 1e6 });
      expect(settings.data.crop).toBeLessThanOrEqual(Math.max(32, shortSide));
      expect(() => gridFor(settings.data.crop, strideOf(settings.model))).not.toThrow();
    }
  });

  it("gives valid settings of a run, also for few photos", async () => {
    for (const photos of [16, 50, 300, 100_000]) {
      const { settings, why } = await choose({ photos });
      expect(settings.train.batchSize).toBeLessThanOrEqual(photos);
      expect(Math.log2(settings.train.batchSize) % 1).toBe(0);
      expect(configSchema.parse(settings)).toMatchObject(settings);
      expect(why.join(" ")).toContain(`${photos} photos of about 200 px, and 10m00s`);
    }
  });

  it("masks without removing colours", async () => {
    const { settings } = await choose();
    expect(settings.mask).toMatchObject({ fill: "mean", branch: "query", cells: "saliency" });
  });

  it("never plans for less than an epoch, and measures nothing that cannot fit", async () => {
    const asked: number[] = [];
    const { settings } = await choose({ seconds: 1 }, (config) => {
      asked.push(config.model.width);
      return laptop(config);
    });
    expect(settings.train.epochs).toBe(1);
    expect(asked).toEqual([8]);
  });

  it("plans the time for the network that the user names, and keeps what else the user names", async () => {
    const model = { arch: "resnet18", width: 32, stem: "imagenet" } as const;
    const asked: RunConfig[] = [];
    const recipe = await chooseRecipe(
      usual,
      ({ train, data, ...base }) =>
        configSchema.parse({
          ...base,
          model,
          data: { ...data, crop: 96 },
          train: { ...train, batchSize: 32 },
        }),
      (config) => {
        asked.push(config);
        return laptop(config);
      },
    );
    expect(asked.map(({ model: network, data }) => [network, data.crop])).toEqual([[model, 96]]);
    expect(recipe.settings).toMatchObject({ model, data: { crop: 96 }, train: { batchSize: 32 } });
    const training = await trainingSeconds(recipe, 3000);
    expect(training).toBeLessThanOrEqual(0.85 * 600);
    expect(training).toBeGreaterThan(0.5 * 600);
    expect(recipe.why.join(" ")).toContain("width 32 on crops of 96 px");
    expect(recipe.why.join(" ")).not.toContain("A larger network");
  });

  it("gives no reasons for settings that it did not choose", async () => {
    const { why } = await chooseRecipe(
      usual,
      ({ mask, augment, ...base }) =>
        configSchema.parse({
          ...base,
          method: { name: "mocov2", queue: 256 },
          mask: { ...mask, fill: "high-pass" },
          augment: { ...augment, grayscaleProbability: 0.2 },
        }),
      laptop,
    );
    expect(why).toHaveLength(2);
  });
});
