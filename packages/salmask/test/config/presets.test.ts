import { expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.js";
import { presetNames } from "../../src/config/presets.js";
import { pretrainSettings } from "../../src/config/schema.js";
import { valueAt } from "../../src/config/tree.js";

it.each(presetNames())("%s can be used", (preset) => {
  expect(() => loadConfig({}, { preset })).not.toThrow();
});

it("contains the paper's recipe: the defaults, except saliency of each crop, with scaled values written out", () => {
  const [paper, defaults] = [loadConfig({}, { preset: "paper" }), loadConfig({})];
  const changed = pretrainSettings
    .settings()
    .map(({ key }) => key)
    .filter((key) => JSON.stringify(valueAt(paper, key)) !== JSON.stringify(valueAt(defaults, key)));
  expect(Object.fromEntries(changed.map((key) => [key, valueAt(paper, key)]))).toEqual({
    "saliency.scope": "crop",
    "train.optimizer": "sgd",
    "train.lr": (0.03 * 128) / 256,
    "train.lrWarmupEpochs": 0,
  });
});
