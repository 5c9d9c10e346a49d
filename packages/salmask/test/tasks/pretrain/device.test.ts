import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Generator, hasCuda, noGrad, ops, scope } from "@salmask/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { GhostGpu } from "../../../../torch/test/support/ghost-gpu.js";
import { computeOf } from "../../../src/compute/compute.js";
import { configSchema, type RunConfig } from "../../../src/config/schema.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { LocalizationNetwork } from "../../../src/models/localization-network.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { type PretrainOptions, pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { type LossWatch, lossWatch } from "../../../src/training/loss-watch.js";
import { trainStep } from "../../../src/training/step.js";
import { saveLocalization } from "../../../src/weights/localization.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";
import { failure, weightsOf } from "../../support/pretrain.js";

// The CPU has kernels of its own for views, which round otherwise. Here it renders views as a GPU does, so that all numbers are the same bits.
vi.mock("../../../src/views/color-jitter.js", async () => {
  const { colorJitterByOperators } = await import("../../../src/views/color-jitter-by-operators.js");
  return { colorJitter: colorJitterByOperators };
});
vi.mock("../../../src/image/resample.js", async () => {
  const { resampleByProducts } = await import("../../../src/image/resample-by-products.js");
  return { resample: resampleByProducts };
});

/** A localization network for crops of 32 pixels: the same operators as the shipped one, which needs seconds for each batch. */
const localizer = join(mkdtempSync(join(tmpdir(), "salmask-test-")), "localizer.safetensors");

beforeAll(() => {
  const backbone = { arch: "resnet18", stem: "imagenet", width: 8 } as const;
  using network = new LocalizationNetwork({ backbone, channels: 8, cues: 2 }, new Generator(1));
  saveLocalization(localizer, { network, side: 32, rounds: 1 });
});
afterAll(() => rmSync(dirname(localizer), { recursive: true }));

const atOnce = { warmupEpochs: 0 };
/** All methods, fills, sources of saliency and occlusions, each at least once. */
const kinds: Record<string, object> = {
  "the run's own encoder asked for crops": { saliency: { ...atOnce, source: "own", scope: "crop" } },
  "the run's own encoder asked for photos": { saliency: { ...atOnce, source: "own", scope: "photo" } },
  "the localization network asked for crops": {
    saliency: { scope: "crop", weights: localizer },
    mask: { fill: "mean" },
  },
  "the localization network asked for photos": {
    saliency: { weights: localizer },
    mask: { fill: "blur", branch: "both" },
  },
  "the spectral residual": { saliency: { source: "spectral-residual", scope: "crop", shuffled: true } },
  "the minimum barrier": { saliency: { source: "minimum-barrier" }, method: { name: "simclr", dim: 8 } },
  "the bell, negatives shared": {
    saliency: { source: "centre", scope: "crop" },
    mask: { negative: { of: "shared", count: 2 } },
  },
  "no masks": { mask: { fill: "none" }, train: { ...smallSettings.train, epochs: 1, optimizer: "lars" } },
  SimCLR: { method: { name: "simclr", dim: 8 }, mask: { fill: "mean" } },
  ADIOS: { occlusion: { name: "adios", masks: 2, channels: 2 }, mask: { fill: "none" } },
  "ADIOS-s": { occlusion: { name: "adios-s", masks: 2, channels: 2 }, mask: { fill: "none" } },
};

/** 16 photos are two steps per epoch, and saliency is there from the first. */
async function prepare(change: object, count = 16): Promise<PretrainOptions & { folder: string }> {
  const folder = await temporaryFolder();
  const photos = join(folder, "photos");
  await writePhotos(photos, count, 16, ["a"]);
  const data = { ...smallSettings.data, cache: join(folder, "cache") };
  const train = { ...smallSettings.train, epochs: 1, varianceEvery: 1 };
  const saliency = { ...smallSettings.saliency, warmupEpochs: 0 };
  const config = configSchema.parse({ ...smallSettings, train, data, saliency, ...change });
  return { folder, photos, out: join(folder, "run"), config, resume: false };
}

const on = (
  config: RunConfig,
  device: RunConfig["device"],
  precision: RunConfig["precision"],
): RunConfig => ({
  ...config,
  device,
  precision,
});

const lossesOf = (out: string) => new RunFolder(out).log.read().map(({ logs }) => logs.loss);

/** A step on eight photos, in an epoch of three steps. */
function stepOf(task: PretrainTask, losses: LossWatch, step: number, logged: boolean) {
  const ids = Int32Array.from({ length: 8 }, (_, i) => i);
  return trainStep(task, ids, { epoch: 0, step, stepsPerEpoch: 3, epochs: 2 }, { logged, losses });
}

/** The task of a run on a simulated GPU, after its warm-up. */
async function onGhost(
  change: object,
  use: (task: PretrainTask, step: (step: number, logged: boolean) => void, gpu: GhostGpu) => void,
): Promise<void> {
  const { config, photos } = await prepare(change);
  await GhostGpu.during(async (gpu) => {
    const dataset = await openDataset(photos, { size: 16, cacheDir: config.data.cache });
    const there = on(config, "cuda", "bfloat16");
    const compute = computeOf(there);
    const task = await PretrainTask.create({ config: there, dataset, compute });
    const losses = lossWatch(compute);
    try {
      task.beforeEpoch(0);
      use(task, (step, logged) => stepOf(task, losses, step, logged), gpu);
    } finally {
      losses.dispose();
      task.dispose();
      dataset.close();
    }
  });
}

describe("a run on a GPU", () => {
  it.each(Object.entries(kinds))("keeps together what is used together: %s", async (_, change) => {
    const options = await prepare(change);
    await pretrain({ ...options, config: on(options.config, "cpu", "float32") });
    const there = {
      ...options,
      out: join(options.folder, "there"),
      config: on(options.config, "cuda", "float32"),
    };
    await GhostGpu.during(() => pretrain(there));
    expect(weightsOf(there.out).equals(weightsOf(options.out))).toBe(true);
  });

  it.each([
    ["the localization network asked for photos", 0],
    ["the minimum barrier", 0],
    ["no masks", 0],
    ["ADIOS", 0],
    ["ADIOS-s", 0],
    // Masked cells are drawn on the host, from the device's maps of this step's crops.
    ["the run's own encoder asked for crops", 1],
    // Its cues are computed on the host too, from the crops of each of the two views.
    ["the localization network asked for crops", 3],
  ] as const)("waits for the device in a step that is not logged: %s, %i times", async (kind, times) => {
    await onGhost(kinds[kind], (_, step, gpu) => {
      step(0, true);
      gpu.waits = [];
      for (let at = 1; at <= 3; at++) step(at, false);
      expect(gpu.waits).toEqual(Array(3 * times).fill("toBytes"));
    });
  });

  it("compares its encoder with an untrained one on the device", async () => {
    const options = await prepare({ mask: { fill: "none" }, train: { ...smallSettings.train, epochs: 1 } });
    await writePhotos(options.photos, 16, 16, ["a", "b"]);
    const there = { ...options, config: on(options.config, "cuda", "float32") };
    const { classes } = await GhostGpu.during(() => pretrain(there));
    const here = { ...options, out: join(options.folder, "here") };
    expect(classes).not.toBeNull();
    expect(classes).toEqual(
      (await pretrain({ ...here, config: on(options.config, "cpu", "float32") })).classes,
    );
  });

  it("detects a loss that is not finite when losses are next read, and names its step", async () => {
    await onGhost({ mask: { fill: "none" } }, (task, step) => {
      step(0, true);
      step(1, false);
      scope(() => noGrad(() => ops.mul_(task.method.learned.parameters()[0], Number.NaN)));
      step(2, false);
      expect(() => step(3, true)).toThrow(/loss of step 2 is NaN/);
    });
  });

  it("writes no checkpoint after a loss that was not finite", async () => {
    const train = { ...smallSettings.train, lr: 1e30, logEvery: 1000 };
    // The third step of the first epoch has no finite loss.
    const options = await prepare({ train, mask: { fill: "none" } }, 24);
    const error = await GhostGpu.during(() =>
      failure({ ...options, config: on(options.config, "cuda", "auto") }),
    );
    expect(error.code).toBe("loss-not-finite");
    expect(error.message).toContain("No checkpoint was written yet.");
  });

  it("continues from a checkpoint of the CPU, and the CPU from one of the GPU, but not in another precision", async () => {
    const options = await prepare({ train: { ...smallSettings.train, epochs: 2, keep: 9 } });
    await pretrain({ ...options, config: on(options.config, "cpu", "float32") });
    const checkpoint = join(options.out, "checkpoints", "step-000000002.safetensors");
    const again = (device: RunConfig["device"], precision: RunConfig["precision"], resume: string) =>
      pretrain({ ...options, config: on(options.config, device, precision), resume });
    const whole = weightsOf(options.out);
    await GhostGpu.during(() => again("cuda", "float32", checkpoint));
    expect(weightsOf(options.out).equals(whole)).toBe(true);
    const fromGhost = join(options.out, "checkpoints", "step-000000004.safetensors");
    await again("cpu", "float32", fromGhost);
    expect(weightsOf(options.out).equals(whole)).toBe(true);
    const auto = GhostGpu.during(() => again("auto", "auto", checkpoint));
    await expect(auto).rejects.toMatchObject({
      code: "another-run",
      message: expect.stringContaining('precision was "float32" and is "bfloat16"'),
    });
  });
});

describe.skipIf(!hasCuda())("a GPU that is there", () => {
  it("learns the same as the CPU, up to rounding", async () => {
    const { saliency, train } = smallSettings;
    const options = await prepare({ saliency, train, mask: { fill: "mean" } }); // without noise, because each device has its own generator
    await pretrain({ ...options, config: on(options.config, "cpu", "float32") });
    const there = {
      ...options,
      out: join(options.folder, "there"),
      config: on(options.config, "cuda", "float32"),
    };
    await pretrain(there);
    const [cpu, cuda] = [options, there].map(({ out }) => lossesOf(out));
    expect(Math.abs(cuda[0] / cpu[0] - 1)).toBeLessThan(0.005); // convolutions there use TF32, with ten bits
    for (const [i, loss] of cuda.entries()) expect(Math.abs(loss / cpu[i] - 1)).toBeLessThan(0.1);
  });
});

describe("bfloat16", () => {
  it("also trains on the CPU, with losses near float32's, and keeps its state in float32", async () => {
    // The first step has no saliency, which could choose other cells in another precision.
    const { saliency, train } = smallSettings;
    const options = await prepare({ saliency, train: { ...train, epochs: 2 } });
    await pretrain({ ...options, config: on(options.config, "cpu", "float32") });
    const half = {
      ...options,
      out: join(options.folder, "half"),
      config: on(options.config, "cpu", "bfloat16"),
    };
    await pretrain(half);
    const [full, rounded] = [options, half].map(({ out }) => lossesOf(out));
    expect(rounded).not.toEqual(full);
    expect(rounded.every(Number.isFinite)).toBe(true);
    expect(Math.abs(rounded[0] / full[0] - 1)).toBeLessThan(0.02); // later steps start from different weights
    const dataset = await openDataset(options.photos, { size: 16, cacheDir: options.config.data.cache });
    const compute = computeOf(half.config);
    const task = await PretrainTask.create({ config: half.config, dataset, compute });
    scope(() => stepOf(task, lossWatch(compute), 0, false));
    const [{ optimizer }] = task.learners;
    const state = { ...task.state().tensors, ...optimizer.stateDict().tensors };
    const types = new Set(Object.values(state).map(({ dtype }) => dtype));
    expect(Array.from(types).sort()).toEqual(["float32", "int64"]); // int64: batch norm's counts
    task.dispose();
    dataset.close();
  });
});
