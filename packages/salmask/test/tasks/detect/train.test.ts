import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, scope } from "@salmask/torch";
import { beforeAll, expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import { generateObjects } from "../../../src/data/embedded/generate-objects.js";
import type { AnnotatedPhotos } from "../../../src/data/samples/objects.js";
import { readObjects } from "../../../src/data/sets/read-objects.js";
import { openSet } from "../../../src/data/sets/registry.js";
import { createBackbone } from "../../../src/models/registry.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { detect } from "../../../src/tasks/detect/detect.js";
import { evaluateDetector } from "../../../src/tasks/detect/evaluate.js";
import { type DetectConfig, detectSettings } from "../../../src/tasks/detect/settings.js";
import { learningRate } from "../../../src/tasks/detect/task.js";
import { type TrainDetectorOptions, trainDetector } from "../../../src/tasks/detect/train.js";
import { loadDetector } from "../../../src/weights/detector-files.js";
import { saveBackbone } from "../../../src/weights/files.js";
import { temporaryFolder } from "../../support/photos.js";

/** Few photos, small, and heads that are small too. */
const settings = {
  precision: "float32",
  device: "cpu",
  threads: 1,
  train: { epochs: 2, batchSize: 2, lr: 0.01, warmupSteps: 2, logEvery: 1 },
  detection: {
    masks: true,
    shortSides: [64],
    longSide: 96,
    anchorSizes: [8, 16, 24, 32, 48],
    pyramidChannels: 16,
    headWidth: 32,
    rpn: { candidatesInTraining: 50, candidates: 30, proposalsInTraining: 40, proposals: 20, samples: 32 },
    box: { samples: 32, leastScore: 0 },
  },
};

let folder: string;
let set: AnnotatedPhotos;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "salmask-detect-"));
  await generateObjects(join(folder, "set"), { train: 6, test: 2, size: 64, classes: 3 });
  const opened = await openSet(join(folder, "set"));
  if (opened.set.kind !== "annotated") throw new Error("expected objects");
  set = (await readObjects(opened.set, "train")).photos;
  return () => rm(folder, { recursive: true, force: true });
});

async function prepare(): Promise<TrainDetectorOptions> {
  const at = await temporaryFolder();
  const encoder = join(at, "encoder.safetensors");
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(encoder, backbone, {});
  const config: DetectConfig = detectSettings.schema.parse(settings);
  return { encoder, set, out: join(at, "run"), config, resume: false };
}

const weightsIn = (out: string) => readFileSync(join(out, "weights.safetensors"));

it("trains a detector, whose file finds objects and is scored", { timeout: 120_000 }, async () => {
  const options = await prepare();
  const summary = await trainDetector(options);
  expect(summary).toMatchObject({ kind: "detect", images: 6, steps: 6, epochs: 2 });
  const run = new RunFolder(options.out);
  expect(run.readSummary()).toEqual(summary);
  expect(run.readSettings(detectSettings)).toEqual(options.config);
  const { logs } = run.log.read()[0];
  expect(Object.keys(logs).sort()).toEqual(
    ["boxRegression", "classifier", "loss", "mask", "objectness", "rpnBoxRegression"].sort(),
  );
  const parts = logs.boxRegression + logs.classifier + logs.mask + logs.objectness + logs.rpnBoxRegression;
  expect(logs.loss).toBeCloseTo(parts, 4);

  const { detector, description } = loadDetector(summary.weights);
  expect(description.categories.map(({ name }) => name)).toEqual(summary.categories);
  const names = set.photos.map(({ name }) => name);
  for await (const { photo, detections } of detect(detector, { path: set.path, names: names.slice(0, 2) })) {
    for (const { category, box, mask } of detections) {
      expect(category).toBeLessThan(3);
      expect(box[0]).toBeGreaterThanOrEqual(0);
      expect(box[2]).toBeLessThanOrEqual(photo.width);
      expect(mask).toMatchObject({ height: 64, width: 64 });
    }
  }
  const scores = await evaluateDetector(detector, set, { withMasks: true });
  expect(scores.photos).toBe(6);
  expect(scores.masks).not.toBeNull();
  detector.dispose();
});

it("ends bit for bit alike where it was interrupted and resumed", { timeout: 120_000 }, async () => {
  const options = await prepare();
  await trainDetector(options);
  const whole = weightsIn(options.out);
  const stop = new AbortController();
  const parts = { ...options, out: `${options.out}-parts` };
  const interrupted = trainDetector({
    ...parts,
    signal: stop.signal,
    report: (event) => {
      if (event.kind === "step" && event.step === 4) stop.abort();
    },
  });
  await expect(interrupted).rejects.toThrow(InterruptedError);
  expect(existsSync(join(parts.out, "weights.safetensors"))).toBe(false);
  const fewer = { ...set, photos: set.photos.slice(1) };
  await expect(trainDetector({ ...parts, set: fewer, resume: true })).rejects.toMatchObject({
    code: "another-run",
  });
  await trainDetector({ ...parts, resume: true });
  expect(weightsIn(parts.out).equals(whole)).toBe(true);
});

it("starts from the encoder's weights, or from others where it is asked to", {
  timeout: 120_000,
}, async () => {
  const options = await prepare();
  const never = { ...options.config, train: { ...options.config.train, epochs: 1, lr: 1e-12 } };
  const firstLayer = (path: string) => {
    const { detector } = loadDetector(path);
    const values = scope(() => detector.stateDict()["backbone.body.conv1.weight"].toFloat32Array());
    detector.dispose();
    return values;
  };
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  const own = scope(() => backbone.stateDict()["conv1.weight"].toFloat32Array());
  const from = await trainDetector({ ...options, config: never });
  const random = await trainDetector({
    ...options,
    config: { ...never, start: "random" },
    out: `${options.out}-random`,
  });
  const distance = (other: Float32Array) => Math.max(...own.map((value, i) => Math.abs(value - other[i])));
  expect(distance(firstLayer(from.weights))).toBeLessThan(1e-6);
  expect(distance(firstLayer(random.weights))).toBeGreaterThan(1e-2);
});

it("raises its rate over the warm-up and lowers it to a tenth at each milestone", () => {
  const schedule = learningRate({ batchSize: 8, milestones: [0.5, 0.75], warmupSteps: 3, lr: undefined });
  const at = (step: number) => schedule({ step, epoch: 0, stepsPerEpoch: 4, epochs: 10 });
  const highest = 0.01; // 0.02 for a batch of 16
  expect([0, 1, 2, 3, 19, 20, 29, 30, 39].map(at)).toEqual(
    [0.25, 0.5, 0.75, 1, 1, 0.1, 0.1, 0.01, 0.01].map((share) => expect.closeTo(share * highest, 10)),
  );
});

it("takes steps above 1 for milestones too", () => {
  const schedule = learningRate({ batchSize: 16, milestones: [6, 8], warmupSteps: 0, lr: undefined });
  const at = (step: number) => schedule({ step, epoch: 0, stepsPerEpoch: 4, epochs: 2.5 });
  expect([0, 5, 6, 7, 8, 9].map(at)).toEqual(
    [1, 1, 0.1, 0.1, 0.01, 0.01].map((share) => expect.closeTo(share * 0.02, 10)),
  );
});

it("trains for as many steps as asked, resumed or not, and chooses what the photos decide", {
  timeout: 120_000,
}, async () => {
  const options = await prepare();
  const { epochs: _, ...train } = settings.train;
  const { shortSides: __, longSide: ___, anchorSizes: ____, ...detection } = settings.detection;
  const config = detectSettings.schema.parse({
    ...settings,
    train: { ...train, steps: 4, preciseNorm: 2, groups: 2 },
    detection,
  });
  const notes: string[] = [];
  const summary = await trainDetector({
    ...options,
    config,
    report: (event) => {
      if (event.kind === "note") notes.push(event.message);
    },
  });
  expect(summary).toMatchObject({ steps: 4, epochs: 2 });
  const chosen = new RunFolder(options.out).readSettings(detectSettings);
  expect(chosen.detection).toMatchObject({ shortSides: [64], longSide: 64 });
  expect(chosen.detection.anchorSizes).toHaveLength(5);
  for (const name of ["shortSides", "longSide", "anchorSizes"])
    expect(notes.filter((note) => note.includes(`detection.${name}`))).toHaveLength(1);

  const stop = new AbortController();
  const parts = { ...options, config, out: `${options.out}-parts` };
  const interrupted = trainDetector({
    ...parts,
    signal: stop.signal,
    report: (event) => {
      if (event.kind === "step" && event.step === 2) stop.abort();
    },
  });
  await expect(interrupted).rejects.toThrow(InterruptedError);
  await trainDetector({ ...parts, resume: true });
  expect(weightsIn(parts.out).equals(weightsIn(options.out))).toBe(true);
});

it("refuses a run of both epochs and steps", () => {
  const both = detectSettings.schema.safeParse({ train: { epochs: 3, steps: 10 } });
  expect(both.error?.issues[0].message).toBe("auto beside train.steps 10");
});

it("refuses a set without photos", async () => {
  const options = await prepare();
  await expect(trainDetector({ ...options, set: { ...set, photos: [] } })).rejects.toMatchObject({
    code: "no-photos",
  });
});
