import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it, vi } from "vitest";
import { trainAndDetect } from "../../../examples/library/detect.js";
import { pretrainWithOwnFill } from "../../../examples/library/own-fill.js";
import { pretrainWithOwnMethod } from "../../../examples/library/own-method.js";
import { pretrainWithOwnSaliency } from "../../../examples/library/own-saliency.js";
import { pretrainAndProbe } from "../../../examples/library/pretrain-and-probe.js";
import { readLog } from "../../../examples/library/read-log.js";
import { generateEmbedded, generateObjects, RunFolder } from "../src/index.js";

/** Two steps on 16 small photos. */
const small = {
  threads: 1,
  precision: "float32",
  "data.crop": 16,
  "data.size": 16,
  "model.arch": "resnet18",
  "model.width": 8,
  "model.stem": "small",
  "saliency.source": "centre",
  "train.epochs": 1,
  "train.batchSize": 8,
  "train.logEvery": 1,
  "train.varianceEvery": 0,
};
const smallQueue = { "method.queue": 8, "method.groups": 2, "method.dim": 8 };

let folder: string;
const at = (...names: string[]) => join(folder, ...names);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "salmask-examples-"));
  vi.stubEnv("SALMASK_CACHE", at("cache"));
  vi.spyOn(console, "log").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  await generateEmbedded(at("photos"), { train: 16, test: 4, size: 32, classes: 2 });
  await generateObjects(at("objects"), { train: 2, test: 1, size: 64, classes: 2 });
  return () => rm(folder, { recursive: true, force: true });
});

const photos = () => at("photos", "train");

it("trains, probes, reads the log, and trains a detector on the encoder", async () => {
  const result = await pretrainAndProbe(photos(), at("run"), { ...small, ...smallQueue });
  expect(result).toMatchObject({ protocol: "fast", trainPhotos: 12, testPhotos: 4 });
  expect(console.log).toHaveBeenCalledWith(expect.stringContaining("step 1 of 2: loss "));

  const { losses, summary } = readLog(at("run"));
  expect(losses.map(({ step }) => step)).toEqual([1, 2]);
  expect(losses.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  expect(summary).toMatchObject({ kind: "pretrain", images: 16, steps: 2 });

  const found = await trainAndDetect(at("run"), at("objects"), at("detector"), {
    threads: 1,
    precision: "float32",
    "train.steps": 1,
    "train.batchSize": 2,
    "detection.masks": false,
    "detection.shortSides": [64],
    "detection.longSide": 64,
    "detection.anchorSizes": [8, 16, 24, 32, 48],
    "detection.pyramidChannels": 8,
    "detection.headWidth": 8,
    "detection.box.leastScore": 0,
  });
  expect(found.length).toBeGreaterThan(0);
  for (const { photo, box, score } of found) {
    expect(photo).toMatch(/^0000[01][.]png$/);
    expect(box[0]).toBeLessThanOrEqual(box[2]);
    expect(score).toBeGreaterThanOrEqual(0);
  }
});

it("trains with a fill, a saliency source and a method from outside", async () => {
  const options = { ...small, ...smallQueue };
  const withFill = await pretrainWithOwnFill(photos(), at("fill"), options);
  const withSaliency = await pretrainWithOwnSaliency(photos(), at("saliency"), options);
  const withMethod = await pretrainWithOwnMethod(photos(), at("method"), options);
  for (const summary of [withFill, withSaliency, withMethod])
    expect(summary).toMatchObject({ kind: "pretrain", steps: 2 });

  // The parts take part: the same settings without them end with other losses, and the method logs its own numbers.
  const plain = readLog(at("run")).losses;
  expect(readLog(at("saliency")).losses).not.toEqual(plain);
  expect(readLog(at("fill")).losses).not.toEqual(readLog(at("saliency")).losses);
  const { logs } = new RunFolder(at("method")).log.read()[1];
  expect(logs.alignmentLoss + logs.uniformityLoss).toBeCloseTo(logs.loss, 5);
});
