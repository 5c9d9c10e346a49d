import { nn, type Tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../../src/base/events.js";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema, type RunConfig } from "../../../src/config/schema.js";
import { noisePhotos } from "../../../src/data/store/noise-photos.js";
import { builtInMethods } from "../../../src/ssl/registry.js";
import { type OwnParts, PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { loadCheckpoint } from "../../../src/training/checkpoint.js";
import { restore, type TrainOptions, train } from "../../../src/training/trainer.js";
import { smallSettings } from "../../support/photos.js";
import { methodNames } from "../../support/settings.js";
import { checkpointsIn, failure } from "../../training/plan.js";

const photos = 16;
const epochs = 2;

const heads = { dim: 8, hidden: 16 };
const crops = { localCrop: 8, localCrops: 1, prototypes: 12 };
const kinds: Record<string, object> = {
  mocov2: { method: { ...smallSettings.method, groups: 1, queue: 12 } },
  "mocov2 without batch norm": {
    method: { name: "mocov2", ...heads, queue: 12, groups: 1 },
    model: { arch: "vit_tiny", width: 48, patch: 4, positions: 4 },
  },
  byol: { method: { name: "byol", ...heads, predictorHidden: 16 }, mask: { negative: { count: 0 } } },
  simsiam: { method: { name: "simsiam", ...heads, predictorHidden: 16 }, mask: { negative: { count: 0 } } },
  dino: { method: { name: "dino", ...heads, ...crops, frozenEpochs: 0, centreMomentum: 0.5 } },
};

function configOf(given: object, accumulate: number): RunConfig {
  const train = { epochs, batchSize: 8, lr: 0.01, accumulate };
  const saliency = { source: "centre", scope: "crop", warmupEpochs: 0 };
  const common = { precision: "float32", data: smallSettings.data, model: smallSettings.model };
  return configSchema.parse({ ...common, saliency, ...given, train });
}

async function withTask<T>(
  config: RunConfig,
  use: (task: PretrainTask) => Promise<T>,
  own?: OwnParts,
): Promise<T> {
  const task = await PretrainTask.create({
    config,
    dataset: noisePhotos(photos, 24),
    compute: onCpu,
    own,
  });
  try {
    return await use(task);
  } finally {
    task.dispose();
  }
}

const valuesOf = (tensors: Readonly<Record<string, Tensor>>) =>
  new Map(Object.entries(tensors).map(([name, tensor]) => [name, tensor.toFloat32Array()]));

/** The state after training, with batch norm in evaluation mode if it is `still`. */
const trained = (config: RunConfig, isStill: boolean, options: Partial<TrainOptions> = {}) =>
  withTask(config, async (task) => {
    if (isStill) for (const part of Object.values(task.method)) if (part instanceof nn.Module) part.eval();
    const before = valuesOf(task.state().tensors);
    const { last } = await train(task, { epochs: isStill ? 1.5 : epochs, logEvery: 1, ...options });
    return { before, last, after: valuesOf(task.state().tensors), counters: task.state().counters };
  });

describe("four micro-batches", () => {
  it.each(Object.keys(kinds))("of %s make the large batch's weights", async (kind) => {
    const isStill = kind !== "mocov2 without batch norm";
    const whole = await trained(configOf(kinds[kind], 1), isStill);
    const parts = await trained(configOf(kinds[kind], 4), isStill);
    expect(parts.counters).toEqual(whole.counters);
    let changed = 0;
    for (const [name, values] of whole.after) {
      const start = whole.before.get(name);
      const other = parts.after.get(name);
      // Keys are the outputs of these weights, whose rounding is amplified by as many layers.
      const mostApart = name === "queue" ? 1e-5 : 1e-6;
      for (const [i, value] of values.entries()) {
        if (!(Math.abs(value - (other?.[i] ?? Number.NaN)) <= mostApart))
          throw new Error(`${name}[${i}] is ${other?.[i]} in micro-batches and ${value} in whole ones`);
        changed = Math.max(changed, Math.abs(value - (start?.[i] ?? value)));
      }
    }
    expect(changed).toBeGreaterThan(1e-3);
    expect(parts.last?.loss).toBeCloseTo(whole.last?.loss ?? Number.NaN, 4);
    expect(parts.last?.queueFill).toBe(whole.last?.queueFill);
  });
});

it("is resumed exactly", async () => {
  const config = configOf(kinds.mocov2, 2);
  const whole = await trained(config, false);
  const checkpoints = await checkpointsIn();
  const stop = new AbortController();
  const report = (event: RunEvent) => {
    if (event.kind === "step" && event.step === 1) stop.abort();
  };
  await failure(trained(config, false, { checkpoints, report, signal: stop.signal }));
  const { after, counters } = await withTask(config, async (task) => {
    using checkpoint = loadCheckpoint(`${checkpoints.folder}/step-000000001.safetensors`);
    const first = restore(task, checkpoint);
    await train(task, { epochs, logEvery: 1, first });
    return { after: valuesOf(task.state().tensors), counters: task.state().counters };
  });
  expect(counters).toEqual(whole.counters);
  expect(after).toEqual(whole.after);
});

describe("micro-batches are refused", () => {
  const faultsOf = (given: object) =>
    configSchema.safeParse(given).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  const accumulate = { train: { accumulate: 4 } };

  it.each(methodNames())("or not with %s, by name", (name) => {
    const faults = faultsOf({ method: { name }, mask: { negative: { count: 0 } }, ...accumulate });
    const mayBe = ["mocov2", "byol", "simsiam", "dino"];
    if (mayBe.includes(name)) expect(faults).toBeUndefined();
    else
      expect(faults).toEqual([expect.stringMatching(`^train.accumulate: 1 beside method.name ${name}, wh`)]);
  });

  it.each([
    [{ occlusion: { name: "adios" }, mask: { fill: "none" } }, "1 beside occlusion.name adios"],
    [{ mask: { fill: "other-photo" } }, "1 beside mask.fill other-photo"],
    [{ saliency: { shuffled: true, scope: "crop" } }, "1 beside saliency.shuffled of crops"],
    [{ mask: { negative: { of: "shared" } } }, "1 beside mask.negative.of shared"],
    [{ method: { name: "byol" } }, "1 beside hard negatives of method.name byol"],
    [{ train: { accumulate: 3 } }, "a number that divides train.batchSize, 128"],
    [{ train: { accumulate: 128 } }, "a number that divides train.batchSize, 128"],
  ])("with %j", (given, start) => {
    expect(faultsOf({ ...accumulate, ...given })?.[0]).toMatch(`train.accumulate: ${start}`);
  });

  it("where a group of keys would have one photo", () => {
    const groups = { method: { groups: 8 }, train: { accumulate: 4, batchSize: 32 } };
    expect(faultsOf(groups)).toEqual([
      "method.groups: at most half of train.batchSize / train.accumulate, 8",
    ]);
  });

  it("with a method of one's own, unless it is said to be a mean over photos", async () => {
    const config = configOf(kinds.mocov2, 2);
    const none = async () => null;
    const method = builtInMethods;
    await expect(withTask(config, none, { method })).rejects.toThrow("isMeanOverPhotos: true");
    await expect(withTask(config, none, { method, isMeanOverPhotos: true })).resolves.toBeNull();
  });
});
