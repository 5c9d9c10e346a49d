/** `--dry-run`: the numbers of a plan are those of the run, and nothing is written. */
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Generator, loadSafetensors } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.js";
import { generateObjects } from "../../src/data/embedded/generate-objects.js";
import { createBackbone } from "../../src/models/registry.js";
import { saveBackbone } from "../../src/weights/files.js";
import { weightsMetadata } from "../../src/weights/metadata.js";
import { salmask } from "../support/command-line.js";
import { smallSettings, temporaryFolder, writePhotos } from "../support/photos.js";

/** A folder with settings of a small run, and an encoder's weights. */
async function prepare() {
  const folder = await temporaryFolder();
  const [config, encoder, cache] = ["run.json", "encoder.safetensors", "cache"].map((name) =>
    join(folder, name),
  );
  const settings = {
    ...smallSettings,
    data: { ...smallSettings.data, cache },
    saliency: { source: "centre" },
  };
  await writeFile(config, JSON.stringify(settings)); // JSON is also YAML
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(1));
  saveBackbone(encoder, backbone, weightsMetadata(configSchema.parse(settings)));
  return { folder, config, encoder, cache, out: join(folder, "out"), photos: join(folder, "photos") };
}

/** The plan that a command line prints as JSON. */
async function planOf(...args: string[]) {
  const { code, out, err } = await salmask(...args, "--dry-run", "--json");
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

describe("--dry-run", () => {
  it("says of pretrain what the run then does, also where it is resumed", async () => {
    const { config, out, cache, photos } = await prepare();
    await writePhotos(photos, 26, 16, ["a"]);
    const command = ["pretrain", photos, "--out", out, "--config", config];
    const plan = await planOf(...command);
    expect([out, cache].map((path) => existsSync(path))).toEqual([false, false]);
    expect(plan).toMatchObject({
      ...{ photos: 26, batchSize: 8, stepsPerEpoch: 3, epochs: 3, steps: 9, done: 0 },
      stored: { side: 16, bytes: 26 * 3 * 16 * 16 },
      views: [
        { name: "query", count: 8, crop: 16 },
        { name: "key", count: 8, crop: 16 },
        { name: "hard negative", count: 8, crop: 16 },
      ],
    });
    const { first, step, parameters, memory } = plan.trial;
    expect(first).toBeGreaterThan(0);
    expect(plan.seconds).toBeGreaterThanOrEqual(9 * step);

    const lines = (await salmask(...command, "--dry-run")).out;
    expect(lines).toMatch(/^photos +26, stored as squares of 16 px/);
    expect(lines).toMatch(/^memory +about .* an estimate/m);
    expect(lines).toMatch(/nothing was written\.\n$/);

    const ended = JSON.parse((await salmask(...command, "--json")).out);
    expect(ended).toMatchObject({ steps: plan.steps, images: plan.photos });
    const weights = loadSafetensors(ended.weights);
    let numbers = 0;
    for (const [name, tensor] of Object.entries(weights)) {
      if (!/running_|num_batches/.test(name)) numbers += tensor.numel;
      tensor.dispose();
    }
    // The encoder, and a head from 64 features over 64 to 8.
    expect(parameters).toBe(numbers + (64 * 64 + 64) + (64 * 8 + 8));
    expect(memory).toMatchObject({ gradients: 4 * parameters, optimizer: 4 * parameters });
    // MoCo has two networks, and a queue of 6 embeddings.
    expect(memory.weights).toBeGreaterThan(8 * parameters);
    expect(memory.weights).toBeLessThan(8.5 * parameters);
    expect(memory.activations === null || memory.activations >= 0).toBe(true);

    expect(await planOf(...command, "--resume")).toMatchObject({ done: 9, seconds: 0 });
    const again = await salmask(...command, "--dry-run");
    expect({ code: again.code, err: again.err }).toMatchObject({
      code: 2,
      err: expect.stringContaining("--resume"),
    });
  });

  it("counts the labels that finetune knows", async () => {
    const { folder, encoder, cache, out } = await prepare();
    for (const split of ["train", "test"])
      await writePhotos(join(folder, "set", split), 20, 16, ["red", "blue"]);
    const plan = await planOf(
      ...["finetune", encoder, join(folder, "set"), "--out", out, "--labels", "4", "--cache", cache],
      ...["--batchSize", "3", "--epochs", "5", "--precision", "float32"],
    );
    expect(plan).toMatchObject({
      photos: 8,
      classes: 2,
      crop: 16,
      batchSize: 3,
      stepsPerEpoch: 2,
      steps: 10,
    });
    expect(plan.seconds).toBeCloseTo(10 * plan.trial.step, 9);
    expect([out, cache].map((path) => existsSync(path))).toEqual([false, false]);
  });

  it("tries a detector on the photos themselves", async () => {
    const { folder, encoder, out } = await prepare();
    const set = join(folder, "set");
    await generateObjects(set, { train: 5, test: 1, size: 64, classes: 2 });
    const plan = await planOf(
      ...["detect", "train", encoder, set, "--out", out, "--preset", "small", "--precision", "float32"],
      ...["--batch-size", "2", "--steps", "7"],
    );
    expect(plan).toMatchObject({
      photos: 5,
      categories: 2,
      batchSize: 2,
      stepsPerEpoch: 2,
      steps: 7,
      epochs: 3.5,
    });
    expect(plan.trial.parameters).toBeGreaterThan(1e5);
    expect(existsSync(out)).toBe(false);
  });

  it("adds up the runs of an experiment", async () => {
    const { folder, out, photos } = await prepare();
    await writePhotos(photos, 16, 16, ["red", "blue"]);
    const file = join(folder, "experiment.yaml");
    const rows = [
      { name: "plain", set: { "mask.fill": "none" } },
      { name: "timed", sameSecondsAs: "plain" },
    ];
    const base = {
      ...smallSettings,
      saliency: { source: "centre" },
      train: { ...smallSettings.train, epochs: 2 },
    };
    await writeFile(
      file,
      JSON.stringify({ name: "two", photos, probe: photos, seeds: [0, 1, 2], base, rows }),
    );
    const before = readdirSync(folder);
    const plan = await planOf("experiment", file, "--out", out, "--jobs", "2");
    const [plain, timed] = plan.rows;
    expect(plain).toMatchObject({ row: "plain", runs: 3, done: 0, steps: 4 });
    expect(timed).toMatchObject({ row: "timed", steps: null, seconds: plain.seconds });
    expect(plan.seconds).toBeCloseTo((6 * plain.seconds) / 2, 9);
    expect(readdirSync(folder)).toEqual(before);
  });

  it("knows the cells of a transfer table, and which of them are finished", async () => {
    const { folder, encoder, out } = await prepare();
    const set = join(folder, "set");
    for (const split of ["train", "test"]) await writePhotos(join(set, split), 20, 16, ["red", "blue"]);
    const command = [
      ...["transfer", encoder, "--to", `set=${set}`, "--seeds", "0,1", "--out", out],
      ...["--cache", join(folder, "cache"), "--setting", "finetune.epochs=2"],
    ];
    const plan = await planOf(...command, "--measures", "knn,finetune");
    expect(existsSync(out)).toBe(false);
    // The encoder and the untrained one, with two seeds.
    expect(plan.works).toMatchObject([
      { set: "set", work: "probe", cells: 4, done: 0 },
      { set: "set", work: "finetune", cells: 4, done: 0 },
    ]);
    const [probe, finetune] = plan.works;
    expect(plan.seconds).toBeCloseTo(4 * (probe.seconds + finetune.seconds), 9);
    expect(await salmask(...command, "--measures", "knn")).toMatchObject({ code: 0 });
    expect((await planOf(...command, "--measures", "knn")).works).toMatchObject([{ cells: 4, done: 4 }]);
  });
});
