/** Pre-training from shards, as it is from photos that are packed. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import type { RunEvent } from "../../../src/base/events.js";
import { configSchema } from "../../../src/config/schema.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { planPretraining } from "../../../src/tasks/pretrain/plan.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { writeTar } from "../../data/fixtures.js";
import { photoOf, serve, writeShards } from "../../data/shards/shards.fixture.js";
import { smallSettings, temporaryFolder } from "../../support/photos.js";
import { failure, weightsOf } from "../../support/pretrain.js";

const everything = {
  saliency: { source: "own", scope: "photo", warmupEpochs: 1 },
  train: { ...smallSettings.train, varianceEvery: 1, knnEvery: 1, knnPhotos: 16 },
};

async function prepare(change: object = {}) {
  const folder = await temporaryFolder();
  const photos = join(folder, "shards");
  const data = { ...smallSettings.data, cache: join(folder, "cache"), openShards: 3, shuffleBuffer: 9 };
  const config = configSchema.parse({ ...smallSettings, data, ...change });
  return { folder, photos, out: join(folder, "run"), config };
}

it("goes on in the middle of an epoch to the same weights, also from a server, without storing photos", async () => {
  const whole = await prepare(everything);
  await writeShards(whole.photos, 4, 6);
  await pretrain(whole);
  const logs = new RunFolder(whole.out).log.read().map((entry) => entry.logs);
  expect(logs[2]).toMatchObject({ knn: expect.any(Number), queryVariance: expect.any(Number) });
  expect(logs[8].foregroundShare).toBeGreaterThan(0);
  expect(readFileSync(join(whole.out, "views.json"), "utf8")).toContain("train-000/00000.png");
  const abort = new AbortController();
  const cut = { ...whole, out: join(whole.folder, "cut"), signal: abort.signal };
  const report = (event: RunEvent) => {
    if (event.kind === "log" && event.entry.step === 4) abort.abort();
  };
  expect(await failure({ ...cut, report })).toBeInstanceOf(InterruptedError);
  const { url } = await serve(whole.photos);
  const rest = { ...whole, photos: `${url}/train-{000..003}.tar`, out: cut.out };
  const summary = await pretrain({ ...rest, resume: true });
  expect(summary).toMatchObject({ images: 24, stepsHere: 5, classes: { photos: 18, scored: 6 } });
  expect(weightsOf(cut.out).equals(weightsOf(whole.out))).toBe(true);
  expect(readdirSync(join(whole.folder, "cache"))).toEqual(["shards"]);
  // Another order is another run.
  const data = { ...whole.config.data, shuffleBuffer: 10 };
  const other = { ...whole, config: { ...whole.config, data }, resume: true };
  expect(await failure(other)).toMatchObject({ code: "another-run" });
});

it("lists photos that turn out to be broken, also those that an earlier process has found", async () => {
  const options = await prepare({ train: { ...smallSettings.train, epochs: 2 } });
  await writeShards(options.photos, 1, 15);
  const broken = (await photoOf(0)).subarray(0, 50);
  await writeTar(join(options.photos, "z.tar"), [
    { name: "bad.png", content: broken },
    { name: "old.heic", content: broken },
  ]);
  const { skipped } = await pretrain(options);
  expect(skipped).toBe(2);
  const listed = () => new RunFolder(options.out).readSkipped().map(({ name }) => name);
  expect(listed()).toEqual(["z/old.heic", "z/bad.png"]);
  await pretrain({ ...options, resume: true });
  expect(listed()).toEqual(["z/old.heic", "z/bad.png"]);
});

it("plans from the index alone, and refuses settings that need all photos at once", async () => {
  const options = await prepare();
  await writeShards(options.photos, 2, 8);
  const plan = await planPretraining(options);
  expect(plan).toMatchObject({ photos: 16, stepsPerEpoch: 2, stored: { bytes: 0, side: 16 } });
  expect(existsSync(options.out)).toBe(false);
  const saliency = { ...options.config.saliency, source: "maps" as const, maps: options.folder };
  const refused = { ...options, config: { ...options.config, saliency } };
  expect(await failure(refused)).toMatchObject({ code: "not-from-shards", exitCode: 2 });
  await expect(planPretraining(refused)).rejects.toMatchObject({ code: "not-from-shards" });
});
