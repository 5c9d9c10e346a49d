import { describe, expect, it } from "vitest";
import { differences, whatIsLearned } from "../../src/config/same-run.js";
import { configSchema, pretrainSettings } from "../../src/config/schema.js";
import type { Setting } from "../../src/config/setting.js";
import { type Tree, valueAt, withValue } from "../../src/config/tree.js";
import { configsWith } from "../support/settings.js";

const config = (given: object = {}) => configSchema.parse(given);

/** Values that are not the defaults of either view. */
const augment = {
  scale: [0.4, 1],
  ratio: [1, 1],
  flipProbability: 0.4,
  jitterProbability: 0.4,
  brightness: 0.1,
  contrast: 0.1,
  saturation: 0.1,
  hue: 0.2,
  grayscaleProbability: 0.1,
  blurProbability: 0.1,
  blurSigma: [1, 2],
  solarizeProbability: 0.2,
};

/** Every setting with a value that is not its default. */
const others = {
  seed: 1,
  threads: 3,
  device: "cpu",
  deterministic: false,
  precision: "bfloat16",
  data: { crop: 64, size: 300, cache: "elsewhere" },
  model: { arch: "resnet18", width: 16, stem: "small", patch: 8, positions: 4, hiddenPatches: "mask-token" },
  method: {
    queue: 512,
    momentum: 0.9,
    groups: 2,
    temperature: 0.05,
    dim: 64,
    hidden: 32,
    localCrop: 32,
    codeQueue: 640,
    normInHead: true,
    localScale: [0.1, 0.2],
  },
  augment,
  augmentSecond: augment,
  mask: {
    fill: "mean",
    branch: "key",
    cells: "random",
    grid: 8,
    ratio: [0.1, 0.4],
    foregroundShare: 0.5,
    odds: "infinite",
    noise: 0.5,
    otherPhotoLoss: "own",
    negative: { weight: 1, count: 2, ratio: [0.5, 0.6], of: "shared", what: "random" },
    highPass: { kernel: 13, sigma: 6, noise: [0.1, 0.1], focal: 0.1, channelwise: 0.1 },
    blur: { kernel: 13, sigma: 6 },
  },
  saliency: {
    source: "centre",
    maps: "maps",
    truth: "masks",
    shuffled: true,
    rowSorted: true,
    weights: "weights",
    warmupEpochs: 1,
    refreshEvery: 3,
    threshold: { rule: "mean", deviations: 0.1, share: 0.1, component: "largest" },
    scope: "crop",
  },
  train: {
    init: "encoder.safetensors",
    epochs: 3,
    batchSize: 64,
    accumulate: 2,
    lr: 0.1,
    optimizer: "lars",
    lrWarmupEpochs: 3,
    batchNorm: "sync",
    weightDecay: 0.1,
    momentum: 0.8,
    checkpointEvery: 2,
    keep: 3,
    keepEncoders: 2,
    logEvery: 5,
    varianceEvery: 2,
    knnEvery: 2,
    knnPhotos: 100,
    validate: "elsewhere",
  },
};

/** A value of a number that is not its default. */
function another({ key, kind }: Setting, usual: unknown): unknown {
  if (kind.kind !== "number" || typeof usual !== "number")
    throw new TypeError(`Expected another value of ${key} above.`);
  if (kind.isWhole) return usual + 1;
  return usual === 0 ? 0.5 : usual / 2;
}

const free = [
  ...[
    "threads",
    "device",
    "deterministic",
    "train.logEvery",
    "train.checkpointEvery",
    "train.keep",
    "train.keepEncoders",
    "train.varianceEvery",
    "train.knnEvery",
    "train.knnPhotos",
    "train.validate",
  ],
  ...["saliency.truth", "data.cache"],
];

const transformer = { model: { arch: "vit_tiny" } };
/** What settings are refused without. */
const needs: Readonly<Record<string, Tree>> = {
  "model.patch": transformer,
  "model.positions": transformer,
  "model.hiddenPatches": transformer,
  "train.validate": { train: { knnEvery: 1 } },
};

describe("differences", () => {
  it("is empty for a run and itself, with explicit or default settings", () => {
    expect(differences(config(), config({ train: { epochs: 200 }, data: {} }))).toEqual([]);
    expect(differences(config(), { ...config(), data: { ...config().data, cache: undefined } })).toEqual([]);
    const turned = Object.fromEntries(Object.entries(config()).reverse());
    expect(whatIsLearned(turned)).toBe(whatIsLearned(config()));
  });

  const settings = pretrainSettings.settings();
  const byName = settings.filter(({ key }) => !key.startsWith("occlusion.") && key !== "method.name");
  it.each(byName.map((setting) => ({ ...setting, setting })))("knows $key", ({ key, setting }) => {
    const given = needs[key] ?? (key.startsWith("method.") ? configsWith(key)[0].given : {});
    const before = config(given);
    const value = valueAt(others, key) ?? another(setting, valueAt(before, key));
    const now = config(withValue(given, key, value));
    expect(valueAt(now, key)).not.toEqual(valueAt(before, key));
    const found = differences(before, now);
    expect(whatIsLearned(now) === whatIsLearned(before)).toBe(found.length === 0);
    if (free.includes(key)) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringMatching(new RegExp(`^${key} was .+ and is .+`))]);
  });

  it("names every setting of another method or occlusion", () => {
    const simclr = differences(config(), config({ method: { name: "simclr" } }));
    expect(simclr).toContain('method.name was "mocov2" and is "simclr"');
    expect(simclr).toContain("method.queue was 65536 and is not set");
    const adios = config({ occlusion: { name: "adios" }, mask: { fill: "none" } });
    expect(differences(config(), adios)).toContain("occlusion.masks was not set and is 4");
  });
});
