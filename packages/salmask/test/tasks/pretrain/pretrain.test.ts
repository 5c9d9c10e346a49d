import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import type { RunEvent } from "../../../src/base/events.js";
import { configSchema } from "../../../src/config/schema.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { type PretrainOptions, pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { listCheckpoints, loadCheckpoint } from "../../../src/training/checkpoint.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { failure, weightsOf } from "../../support/pretrain.js";

/** 16 photos, two steps, and a small run on them; `change` overrides its settings. */
async function prepare(change: object = {}, count = 16): Promise<PretrainOptions & { folder: string }> {
  const folder = await temporaryFolder();
  const photos = join(folder, "photos");
  await writePhotos(photos, count, 16, ["a"]);
  const data = { ...smallSettings.data, cache: join(folder, "cache") };
  const config = configSchema.parse({ ...smallSettings, data, ...change });
  return { folder, photos, out: join(folder, "run"), config, resume: false };
}

const shared = { folder: "" };
afterAll(() => rm(shared.folder, { recursive: true, force: true }));

/** A copy of a run that has ended, which is made once. */
async function prepareEnded(): Promise<PretrainOptions & { folder: string }> {
  const options = await prepare();
  if (shared.folder === "") {
    await pretrain(options);
    shared.folder = await mkdtemp(join(tmpdir(), "salmask-test-"));
    await cp(options.out, shared.folder, { recursive: true });
  } else await cp(shared.folder, options.out, { recursive: true });
  return options;
}

/** A run's newest checkpoint: its counters, and each tensor's values. */
function lastState(out: string) {
  using checkpoint = loadCheckpoint(listCheckpoints(join(out, "checkpoints"))[0]);
  const { task, optimizers, position } = checkpoint;
  const all = [task, ...Object.values(optimizers)].flatMap((tensors) => Object.entries(tensors));
  return {
    counters: position.counters,
    steps: position.optimizerSteps,
    tensors: all.map(([name, tensor]) => [name, tensor.toArray()]),
  };
}

/** Two epochs: the first is the warm-up, and in the second there are masks. */
const short = { ...smallSettings.train, epochs: 2 };

describe("pretrain", () => {
  it("gives the same weights twice, masks after the warm-up, and logs every step", async () => {
    const options = await prepareEnded();
    const other = { ...options, out: join(options.folder, "other") };
    await pretrain(other);
    expect(weightsOf(other.out).equals(weightsOf(options.out))).toBe(true);
    const lines = readFileSync(join(options.out, "metrics.jsonl"), "utf8").trim().split("\n");
    const entries = lines.map((line) => JSON.parse(line));
    expect(entries.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    const [first, last] = [entries[0].logs, entries[5].logs];
    expect(first).not.toHaveProperty("foregroundShare");
    expect(last.foregroundShare).toBeGreaterThan(0);
    expect(first.maskedShare).toBe(0);
    expect(last.maskedShare).toBeGreaterThan(0);
  });

  it("measures the variance over views at the end of each epoch, and learns the same without it", async () => {
    const options = await prepare({ train: { ...short, logEvery: 2, varianceEvery: 1 } }, 24);
    const train = { ...options.config.train, varianceEvery: 0 };
    const blind = { ...options, config: { ...options.config, train }, out: join(options.folder, "blind") };
    const looks = async (run: PretrainOptions) => {
      await pretrain(run);
      const entries = new RunFolder(run.out).log.read();
      return entries.map(({ step, logs }) => {
        const looked = ["queryVariance", "keyVariance"].filter((name) => name in logs);
        expect([0, 2]).toContain(looked.length);
        return looked.length === 0 ? step : `${step} looked`;
      });
    };
    expect(await looks(options)).toEqual([2, "3 looked", 4, "6 looked"]);
    expect(await looks(blind)).toEqual([2, 4, 6]);
    expect(weightsOf(blind.out).equals(weightsOf(options.out))).toBe(true);
  });

  it("gives other weights for another seed, another fill, and no mask at all", async () => {
    const saliency = { ...smallSettings.saliency, warmupEpochs: 0 };
    const options = await prepare({ saliency, train: { ...short, epochs: 1 } });
    const seen = new Set<string>();
    const changes = [{}, { seed: 1 }, { mask: { fill: "mean" } }, { mask: { fill: "none" } }];
    for (const [i, change] of changes.entries()) {
      const config = configSchema.parse({ ...options.config, ...change });
      const out = join(options.folder, `run-${i}`);
      await pretrain({ ...options, out, config });
      // The numbers alone: the file also holds the settings, which differ anyway.
      const { tensors } = lastState(out);
      seen.add(JSON.stringify(tensors));
    }
    expect(seen.size).toBe(4);
  });

  it.each([
    {
      // Three batches of eight end in the middle of the queue, so that its place has to be read as well.
      method: { ...smallSettings.method, queue: 10 },
      saliency: { source: "own", scope: "photo", warmupEpochs: 1 },
    },
    {
      method: { name: "simclr", dim: 8 },
      occlusion: { name: "adios-s", masks: 2, channels: 2 },
      mask: { fill: "none" },
    },
  ])("writes a checkpoint when it is interrupted, and goes on to the same weights: %o", async (change) => {
    const whole = await prepare({ ...change, train: { ...short, varianceEvery: 1 } });
    await pretrain(whole);
    const abort = new AbortController();
    const cut = { ...whole, out: join(whole.folder, "cut"), signal: abort.signal };
    const report = (event: RunEvent) => {
      if (event.kind === "log" && event.entry.step === 3) abort.abort();
    };
    const error = await failure({ ...cut, report });
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error.exitCode).toBe(130);
    expect(listCheckpoints(join(cut.out, "checkpoints"))[0]).toMatch(/step-000000003/);
    await pretrain({ ...whole, out: cut.out, resume: true });
    expect(weightsOf(cut.out).equals(weightsOf(whole.out))).toBe(true);
    const [resumed, straight] = [cut, whole].map(({ out }) => lastState(out));
    expect(resumed).toEqual(straight);
  });

  it("stops at a loss that is not finite with the step and the last good checkpoint, and keeps that checkpoint", async () => {
    const options = await prepare({ train: { ...smallSettings.train, lr: 1e30 } }, 24);
    const error = await failure(options);
    expect(error.code).toBe("loss-not-finite");
    expect(error.message).toMatch(/step \d/);
    expect(error.message).toMatch(/checkpoint/);
  });

  it("names a damaged checkpoint and offers the one before it", async () => {
    const options = await prepareEnded();
    const [newest, older] = listCheckpoints(join(options.out, "checkpoints"));
    const bytes = readFileSync(newest);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(newest, bytes);
    const flipped = await failure({ ...options, resume: true });
    expect(flipped.code).toBe("damaged-checkpoint");
    expect(flipped.message).toContain(newest);
    expect(flipped.message).toContain(`--resume ${older}`);
    truncateSync(newest, 1000);
    expect((await failure({ ...options, resume: true })).code).toBe("damaged-checkpoint");
    const before = weightsOf(options.out);
    await pretrain({ ...options, resume: older });
    expect(weightsOf(options.out).equals(before)).toBe(true);
  });

  it("refuses to resume with other settings or other photos, and lists the differences", async () => {
    const options = await prepareEnded();
    const config = configSchema.parse({
      ...options.config,
      method: { ...options.config.method, temperature: 0.5 },
    });
    const settings = await failure({ ...options, config, resume: true });
    expect(settings.message).toContain("method.temperature was 0.2 and is 0.5");
    await writePhotos(options.photos, 32, 16, ["a"]);
    expect((await failure({ ...options, resume: true })).message).toContain("photos");
  });

  it("cannot resume in a new folder, and does not overwrite an existing run", async () => {
    expect((await failure({ ...(await prepare()), resume: true })).code).toBe("no-checkpoint");
    expect((await failure(await prepareEnded())).code).toBe("run-exists");
  });

  it("refuses a batch larger than the data set, and a crop that the network cannot divide", async () => {
    const large = await prepare({ train: { ...smallSettings.train, batchSize: 17 } });
    const error = await failure(large);
    expect(error.message).toContain("17");
    expect(error.message).toContain("16");
    const odd = await prepare({ data: { ...smallSettings.data, crop: 20 } });
    expect((await failure(odd)).code).toBe("crop-not-multiple");
  });

  it("warns about a queue larger than a quarter of the data set, and of an end before anything is masked, and lists skipped files", async () => {
    const train = { ...short, epochs: 1 };
    const saliency = { source: "own", warmupEpochs: 1 };
    const options = await prepare({ method: { ...smallSettings.method, queue: 7 }, saliency, train }, 24);
    await writeFile(join(options.photos, "a", "broken.jpg"), "no picture");
    const warned = new Map<string, string>();
    const report = (event: RunEvent) => {
      if (event.kind === "warning") warned.set(event.code, event.message);
    };
    const { skipped } = await pretrain({ ...options, report });
    expect(warned.get("long-queue")).toContain("--method.queue 6");
    expect(warned.get("nothing-masked")).toContain("--saliency.warmupEpochs 0");
    expect(warned.get("photos-skipped")).toContain("1 files");
    expect(skipped).toBe(1);
    const listed = readFileSync(join(options.out, "skipped.jsonl"), "utf8").trim();
    expect(JSON.parse(listed).name).toBe("a/broken.jpg");
    expect(existsSync(join(options.photos, "a", "broken.jpg"))).toBe(true);
  });
});
