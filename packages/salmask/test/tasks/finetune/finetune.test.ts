import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Generator, loadSafetensors, scope } from "@salmask/torch";
import { expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import { configSchema } from "../../../src/config/schema.js";
import { createBackbone } from "../../../src/models/registry.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { type FinetuneOptions, finetune } from "../../../src/tasks/finetune/finetune.js";
import { type FinetuneConfig, finetuneSettings } from "../../../src/tasks/finetune/settings.js";
import { probeRun } from "../../../src/tasks/probe/probe-run.js";
import { saveBackbone } from "../../../src/weights/files.js";
import { weightsMetadata } from "../../../src/weights/metadata.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";

const settings = {
  precision: "float32",
  device: "cpu",
  threads: 1,
  epochs: 4,
  batchSize: 8,
  logEvery: 1,
  lrWarmupEpochs: 0,
} as const;

/** An untrained encoder in a file, photos of three colours, and a place for a run. */
async function prepare(given: Partial<FinetuneConfig> = {}): Promise<FinetuneOptions & { folder: string }> {
  const folder = await temporaryFolder();
  const encoder = join(folder, "encoder.safetensors");
  const seen = configSchema.parse({ data: { crop: 16 }, mask: { fill: "none" } });
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(encoder, backbone, weightsMetadata(seen));
  for (const [split, count] of Object.entries({ train: 36, test: 12 }))
    await writePhotos(join(folder, "set", split), count, 16, ["red", "green", "blue"]);
  const config = finetuneSettings.schema.parse({ ...settings, cache: join(folder, "cache"), ...given });
  const photos = [join(folder, "set")];
  return { encoder, photos, out: join(folder, "run"), config, resume: false, folder };
}

const weightsIn = (out: string) => readFileSync(join(out, "weights.safetensors"));

it("learns classes that colours tell, and leaves a classifier with torchvision's names", async () => {
  const options = await prepare({ epochs: 12 });
  const summary = await finetune(options);
  expect(summary).toMatchObject({
    kind: "finetune",
    trainPhotos: 36,
    testPhotos: 12,
    steps: 48,
    classes: ["blue", "green", "red"],
    scores: { top1: 1, top5: null, meanPerClass: 1, perClass: [1, 1, 1] },
  });
  const folder = new RunFolder(options.out);
  expect(folder.readSummary()).toEqual(summary);
  expect(folder.readSettings(finetuneSettings)).toEqual(options.config);
  expect(folder.log.read()).toHaveLength(48);
  scope(() => {
    const weights = loadSafetensors(summary.weights);
    expect(weights["fc.weight"].shape).toEqual([3, 64]);
    expect(weights["fc.bias"].shape).toEqual([3]);
    expect(weights["layer4.1.conv2.weight"].shape).toEqual([64, 64, 3, 3]);
  });
  // What was fine-tuned is an encoder again.
  const { set } = { set: options.photos[0] };
  const probed = await probeRun({ run: options.out, photos: [set], protocol: "fast", seed: 0 });
  expect(probed.linear.top1).toBe(1);
});

it("ends bit for bit alike where it was interrupted and resumed", async () => {
  const options = await prepare();
  await finetune(options);
  const whole = weightsIn(options.out);
  const stop = new AbortController();
  const parts = { ...options, out: join(options.folder, "parts") };
  const interrupted = finetune({
    ...parts,
    signal: stop.signal,
    report: (event) => {
      if (event.kind === "step" && event.step === 6) stop.abort();
    },
  });
  await expect(interrupted).rejects.toThrow(InterruptedError);
  expect(existsSync(join(parts.out, "weights.safetensors"))).toBe(false);
  await expect(finetune(parts)).rejects.toMatchObject({ code: "run-exists" });
  const other = { ...options.config, lr: 0.5 };
  await expect(finetune({ ...parts, config: other, resume: true })).rejects.toMatchObject({
    code: "another-run",
    message: expect.stringContaining("lr was 0.02 and is 0.5"),
  });
  await finetune({ ...parts, resume: true });
  expect(weightsIn(parts.out).equals(whole)).toBe(true);
});

it("learns from the labels that are known alone, and from fresh weights where it is asked to", async () => {
  const options = await prepare({ labels: "2", epochs: "auto" });
  const summary = await finetune(options);
  expect(summary).toMatchObject({ trainPhotos: 6, testPhotos: 12, epochs: 200, steps: 200 });
  const config: FinetuneConfig = { ...options.config, start: "random", epochs: 1 };
  const untrained = await finetune({ ...options, config, out: join(options.folder, "untrained") });
  expect(untrained).toMatchObject({ start: "random", steps: 1 });
});

interface Fault {
  readonly photos?: readonly string[];
  readonly encoder?: string;
}

it.each<[string, Fault, string]>([
  ["photos without classes", { photos: ["set/train/red", "set/test/red"] }, "no-labels"],
  ["an encoder that does not exist", { encoder: "nothing.safetensors" }, "no-weights"],
])("refuses %s, and leaves no run behind", async (_, { photos, encoder }, code) => {
  const options = await prepare();
  const at = (path: string) => join(options.folder, path);
  const given = {
    ...options,
    photos: photos?.map(at) ?? options.photos,
    encoder: encoder === undefined ? options.encoder : at(encoder),
  };
  await expect(finetune(given)).rejects.toMatchObject({ code });
  expect(existsSync(join(options.out, "config.yaml"))).toBe(false);
});
