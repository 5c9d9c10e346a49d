import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
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
    knn: { top1: 1, randomTop1: 1 },
    linear: { top1: 1, randomTop1: 1 },
  });
  const folder = new RunFolder(options.run);
  expect(folder.readProbes()).toEqual([{ ...result, photos: [set], seed: 0 }]);
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

it("names what is missing, and writes no result", async () => {
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
