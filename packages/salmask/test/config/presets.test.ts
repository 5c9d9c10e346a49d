import { expect, it } from "vitest";
import { loadConfig, loadSettings } from "../../src/config/load.js";
import { presetNames } from "../../src/config/presets.js";
import { pretrainSettings } from "../../src/config/schema.js";
import { valueAt } from "../../src/config/tree.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import { detectSettings } from "../../src/tasks/detect/settings.js";
import { chosenOptimizer, learningRate } from "../../src/training/optimizer.js";
import { MOCO_V2_VIEW } from "../../src/views/settings.js";

it.each([pretrainSettings, detectSettings])("presets of $name can be used", (kind) => {
  const names = presetNames(kind);
  expect(names.length).toBeGreaterThan(0);
  for (const preset of names) expect(() => loadSettings<unknown>(kind, {}, { preset })).not.toThrow();
});

it("has none of what has no folder of presets", () => {
  expect(presetNames({ name: "finetune" })).toEqual([]);
});

it("contains the two recipes that the paper's detectors were trained by", () => {
  const voc = loadSettings(detectSettings, {}, { preset: "voc" });
  expect(voc.train).toMatchObject({
    steps: 24_000,
    batchSize: 16,
    lr: 0.02,
    warmupSteps: 100,
    milestones: [18_000, 22_000],
  });
  const scales = (from: number) => Array.from({ length: (800 - from) / 32 + 1 }, (_, i) => from + 32 * i);
  expect(voc.detection).toMatchObject({
    design: "c4",
    masks: false,
    extraNorm: true,
    norm: "batch",
    frozenParts: 0,
  });
  expect(voc.detection.shortSides).toEqual(scales(480));
  expect(voc.detection.box).toMatchObject({ aligned: true, samplingRatio: 0, lossBeta: 0 });
  const coco = loadSettings(detectSettings, {}, { preset: "coco" });
  expect(coco.train).toMatchObject({ steps: 180_000, milestones: [120_000, 160_000] });
  expect(coco.detection).toEqual({ ...voc.detection, masks: true, shortSides: scales(640) });
});

it("contains SwAV's and DINO's recipes with their papers' constants", () => {
  const swav = loadConfig({}, { preset: "swav" });
  expect(swav.method).toEqual({
    name: "swav",
    dim: 128,
    hidden: 2048,
    temperature: 0.1,
    prototypes: 3000,
    frozenEpochs: 1,
    epsilon: 0.05,
    sinkhornIterations: 3,
    codeQueue: 3840,
    codeQueueEpoch: 15,
    localCrops: 6,
    localCrop: 96,
    localScale: [0.05, 0.14],
  });
  expect(swav.augment).toMatchObject({ scale: [0.14, 1], brightness: 0.8, hue: 0.2 });
  expect(swav.train).toMatchObject({ optimizer: "lars", lr: 0.6, weightDecay: 1e-6, batchSize: 256 });
  const dino = loadConfig({}, { preset: "dino" });
  expect(dino.method).toEqual({
    name: "dino",
    dim: 256,
    hidden: 2048,
    temperature: 0.1,
    prototypes: 4096,
    frozenEpochs: 1,
    teacherTemperatureStart: 0.04,
    teacherTemperature: 0.07,
    teacherWarmupEpochs: 30,
    momentum: 0.996,
    centreMomentum: 0.9,
    clipGradient: 3,
    weightDecayGrowth: 1,
    normInHead: false,
    localCrops: 8,
    localCrop: 96,
    localScale: [0.05, 0.14],
  });
  expect(dino.augment).toMatchObject({ scale: [0.14, 1], saturation: 0.2 });
  expect(dino.train).toMatchObject({ optimizer: "sgd", lr: 0.03, weightDecay: 1e-4, lrWarmupEpochs: 10 });
  for (const { mask } of [swav, dino]) expect(mask.negative.count).toBe(0);
});

it("contains the paper's recipe: the defaults, except saliency of each crop and its threshold, with scaled values written out", () => {
  const [paper, defaults] = [loadConfig({}, { preset: "paper" }), loadConfig({})];
  const changed = pretrainSettings
    .settings()
    .map(({ key }) => key)
    .filter((key) => JSON.stringify(valueAt(paper, key)) !== JSON.stringify(valueAt(defaults, key)));
  expect(Object.fromEntries(changed.map((key) => [key, valueAt(paper, key)]))).toEqual({
    "saliency.scope": "crop",
    "saliency.threshold.rule": "deviations",
    "train.optimizer": "sgd",
    "train.lr": (0.03 * 128) / 256,
    "train.lrWarmupEpochs": 0,
  });
});

const asymmetric = {
  augment: { saturation: 0.2, blurProbability: 1, blurSigma: [0.1, 2], solarizeProbability: 0 },
  augmentSecond: { blurProbability: 0.1, solarizeProbability: 0.2 },
};

// Constants of the papers: BYOL, section 3.3 and appendix B; SimSiam, section 4; Barlow Twins, section 2.3; VICReg, section 4.2;
// MoCo v3, section 4.1, and the commands of its released code.
it.each([
  {
    preset: "byol",
    method: { name: "byol", hidden: 4096, dim: 256, momentum: 0.99 },
    views: asymmetric,
    rates: { first: 0.05, highest: 0.5, half: 0.25 },
    weightDecay: 1e-6,
  },
  {
    preset: "simsiam",
    method: { name: "simsiam", hidden: 2048, dim: 2048, predictorHidden: 512 },
    views: { augment: MOCO_V2_VIEW, augmentSecond: {} },
    rates: { first: 0.1, highest: 0.1, half: 0.05 },
    weightDecay: 1e-4,
  },
  {
    preset: "barlow",
    method: { name: "barlow", redundancy: 0.0051 },
    views: asymmetric,
    rates: { first: 0.02, highest: 0.2, half: 0.1 },
    weightDecay: 1.5e-6,
  },
  {
    preset: "vicreg",
    method: { name: "vicreg", invariance: 25, variance: 25, covariance: 1 },
    views: asymmetric,
    rates: { first: 0.02, highest: 0.2, half: 0.1 },
    weightDecay: 1e-6,
  },
  {
    preset: "mocov3",
    method: { name: "mocov3", hidden: 4096, dim: 256, temperature: 0.2, momentum: 0.99 },
    views: asymmetric,
    rates: { first: 0.03, highest: 0.3, half: 0.15 },
    weightDecay: 1e-6,
  },
  {
    preset: "mocov3-vit",
    method: { name: "mocov3", hidden: 4096, dim: 256, temperature: 0.2, momentum: 0.99 },
    views: asymmetric,
    rates: { first: 1.2e-4, highest: 1.2e-3, half: 6e-4 },
    weightDecay: 0.1,
  },
])("contains $preset with its paper's constants", ({ preset, method, views, rates, weightDecay }) => {
  const config = loadConfig({}, { preset });
  expect(config).toMatchObject({ method, ...views, train: { weightDecay } });
  const optimizer = chosenOptimizer(config.train, builtInMethods.optimizer(config));
  const lr = learningRate(config.train, optimizer);
  const { epochs, lrWarmupEpochs = 0 } = config.train;
  const at = (epoch: number) => lr({ step: epoch * 500 + 499, epoch, stepsPerEpoch: 500, epochs });
  const last = Math.PI / (epochs - lrWarmupEpochs);
  expect(at(0)).toBeCloseTo(rates.first, 10);
  expect(at(lrWarmupEpochs)).toBeCloseTo(rates.highest, 10);
  expect(at((epochs + lrWarmupEpochs) / 2)).toBeCloseTo(rates.half, 10);
  expect(at(epochs - 1)).toBeCloseTo((rates.highest * (1 - Math.cos(last))) / 2, 10);
});
