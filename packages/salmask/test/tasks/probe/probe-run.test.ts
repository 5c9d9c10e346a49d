import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { Generator } from "@salmask/torch";
import { expect, it } from "vitest";
import type { RunEvent } from "../../../src/base/events.js";
import { configSchema } from "../../../src/config/schema.js";
import { createBackbone } from "../../../src/models/registry.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { type ProbeRunOptions, probeRun } from "../../../src/tasks/probe/probe-run.js";
import { saveBackbone } from "../../../src/weights/files.js";
import { weightsMetadata } from "../../../src/weights/metadata.js";
import { writeCifar10 } from "../../data/sets/cifar.fixture.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";

/** A run with the weights of an untrained encoder, and photos of two colours to learn from and to score. */
async function prepare(): Promise<ProbeRunOptions & { set: string }> {
  const folder = await temporaryFolder();
  const [run, set] = [join(folder, "run"), join(folder, "set")];
  await mkdir(run);
  const config = configSchema.parse({ data: { crop: 16 }, mask: { fill: "none" } });
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(new RunFolder(run).weights, backbone, weightsMetadata(config));
  await writePhotos(join(set, "train"), 24, 16, ["red", "blue"]);
  await writePhotos(join(set, "test"), 8, 16, ["red", "blue"]);
  return { run, set, photos: [set], protocol: "fast", seed: 0, cache: join(folder, "cache") };
}

it("scores a run's weights and keeps each result beside them", async () => {
  const { set, ...options } = await prepare();
  const result = await probeRun(options);
  // Colours identify the classes, and every encoder responds to colours.
  expect(result).toEqual({
    trainPhotos: 24,
    testPhotos: 8,
    protocol: "fast",
    classes: ["blue", "red"],
    knn: { top1: 1, randomTop1: 1 },
    linear: { top1: 1, randomTop1: 1 },
    linearScores: {
      top1: 1,
      top5: null,
      meanPerClass: 1,
      perClass: [1, 1],
      confusion: [
        [4, 0],
        [0, 4],
      ],
    },
    lastEpochs: 1,
  });
  const folder = new RunFolder(options.run);
  expect(folder.readProbes()).toEqual([{ ...result, photos: [set], seed: 0, labels: "all", heldOut: 0.2 }]);
  await probeRun({ ...options, photos: [relative(process.cwd(), set)] });
  expect(folder.readProbes()).toHaveLength(1);
  const both = [join(set, "train"), join(set, "test")];
  await probeRun({ ...options, photos: both, seed: 5 });
  expect(folder.readProbes().map(({ photos, seed }) => ({ photos, seed }))).toEqual([
    { photos: [set], seed: 0 },
    { photos: both, seed: 5 },
  ]);
  expect(JSON.parse(readFileSync(join(options.run, "probes.json"), "utf8"))).toHaveLength(2);
});

it("scores a file of weights, and writes nothing beside it", async () => {
  const { set: _, ...options } = await prepare();
  const alone = join(await temporaryFolder(), "some.safetensors");
  copyFileSync(new RunFolder(options.run).weights, alone);
  expect((await probeRun({ ...options, run: alone })).knn.top1).toBe(1);
  expect(existsSync(join(alone, "../probes.json"))).toBe(false);
  expect(new RunFolder(options.run).readProbes()).toEqual([]);
});

it("says which split it scores, and that others match too", async () => {
  const { set, ...options } = await prepare();
  await rename(join(set, "test"), join(set, "validation"));
  await mkdir(join(set, "valid"));
  const notes: string[] = [];
  const report = (event: RunEvent) => {
    if (event.kind === "note") notes.push(event.message);
  };
  await expect(probeRun({ ...options, report })).rejects.toMatchObject({ code: "no-images" });
  expect(notes).toEqual(["scored on valid, not on validation"]);
});

it("splits class folders that come without a split, by the seed", async () => {
  const { set, ...options } = await prepare();
  const notes: string[] = [];
  const report = (event: RunEvent) => {
    if (event.kind === "note") notes.push(event.message);
  };
  const photos = [join(set, "train")];
  expect(await probeRun({ ...options, photos, heldOut: 0.25, seed: 2, report })).toMatchObject({
    trainPhotos: 18,
    testPhotos: 6,
    linear: { top1: 1 },
  });
  expect(notes[0]).toBe("scored on test; drawn with seed 2: 25 % of each class are the test split");
  // 26 % of twelve photos are as many.
  await probeRun({ ...options, photos, heldOut: 0.26, seed: 2 });
  const kept = new RunFolder(options.run).readProbes();
  expect(kept.map(({ heldOut, testPhotos }) => ({ heldOut, testPhotos }))).toEqual([
    { heldOut: 0.25, testPhotos: 6 },
    { heldOut: 0.26, testPhotos: 6 },
  ]);
});

it("scores on a set of binary files, and refuses one with faults unless told to leave them out", async () => {
  const { set: _, ...options } = await prepare();
  const root = await writeCifar10(await temporaryFolder(), { perFile: 10 });
  expect(await probeRun({ ...options, photos: [root] })).toMatchObject({ trainPhotos: 50, testPhotos: 10 });
  await rm(join(root, "data_batch_4.bin"));
  await expect(probeRun({ ...options, photos: [root] })).rejects.toMatchObject({ code: "faulty-data" });
  const skipBad = { ...options, photos: [root], skipBad: true };
  expect(await probeRun(skipBad)).toMatchObject({ trainPhotos: 40, testPhotos: 10 });
});

it("names what is missing, and keeps no result", async () => {
  const { set, ...options } = await prepare();
  await expect(probeRun({ ...options, run: join(set, "train") })).rejects.toMatchObject({
    code: "no-weights",
    message: expect.stringContaining(join(set, "train", "weights.safetensors")),
  });
  await expect(probeRun({ ...options, run: join(set, "none") })).rejects.toMatchObject({
    code: "no-weights",
  });
  const none = join(set, "none");
  await expect(probeRun({ ...options, photos: [join(set, "train"), none] })).rejects.toMatchObject({
    code: "missing-source",
  });
  await expect(probeRun({ ...options, photos: [none] })).rejects.toMatchObject({ code: "no-splits" });
  expect(new RunFolder(options.run).readProbes()).toEqual([]);
});

it("learns from the labels that are known alone, and keeps the result beside that of all labels", async () => {
  const { set: _, ...options } = await prepare();
  await probeRun(options);
  const few = await probeRun({ ...options, labels: "3" });
  expect(few.trainPhotos).toBe(6);
  const kept = new RunFolder(options.run).readProbes();
  expect(kept.map(({ labels, trainPhotos }) => ({ labels, trainPhotos }))).toEqual([
    { labels: "all", trainPhotos: 24 },
    { labels: "3", trainPhotos: 6 },
  ]);
  await expect(probeRun({ ...options, labels: "some" })).rejects.toMatchObject({ code: "bad-labels" });
});
