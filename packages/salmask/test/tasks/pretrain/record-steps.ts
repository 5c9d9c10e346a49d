/** Records training steps: their initial state, their random decisions, and their results. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  fromTypedArray,
  KeyedRandom,
  loadSafetensors,
  saveSafetensors,
  scope,
  type Tensor,
} from "@salmask/torch";
import { purpose } from "../../../src/base/purposes.js";
import { onCpu } from "../../../src/compute/compute.js";
import type { RunConfig } from "../../../src/config/schema.js";
import type { PackedDataset } from "../../../src/data/store/dataset.js";
import { drawMasks, type MaskDraw } from "../../../src/masking/draw.js";
import { highPassFill } from "../../../src/masking/fills/high-pass.js";
import { fillOf } from "../../../src/masking/fills/registry.js";
import { type Grid, gridFor } from "../../../src/masking/grid.js";
import { firstNegative } from "../../../src/masking/hard-negatives.js";
import { joinParts, partOf } from "../../../src/models/state-dict.js";
import { type PretrainBatch, PretrainTask } from "../../../src/tasks/pretrain/task.js";
import { ReadAtOnce } from "../../../src/training/loss-watch.js";
import { trainStep } from "../../../src/training/step.js";
import type { Progress, Task } from "../../../src/training/task.js";
import { renderView } from "../../../src/views/render.js";
import type { BatchViews } from "../../../src/views/view.js";

/** The results of a step, under the names that the golden script uses. */
export type Outcome = ReadonlyMap<string, Float32Array>;

const stateFile = "state.safetensors";
/** Number of steps before the recorded ones, so that momentum, running statistics and a part of the queue have changed. */
const firstSteps = 3;

/**
 * Makes one step from each batch of the second epoch, each time from the same state. Writes the initial state to
 * `folder` for the golden script. Returns the result of each step.
 */
export async function recordSteps(
  config: RunConfig,
  dataset: PackedDataset,
  folder: string,
): Promise<Outcome[]> {
  mkdirSync(folder, { recursive: true });
  const task = await PretrainTask.create({ config, dataset, compute: onCpu });
  try {
    const { epochs } = config.train;
    const [early, batches] = [task.batches(0), task.batches(1)];
    const stepsPerEpoch = batches.length;
    const losses = new ReadAtOnce();
    for (const [step, ids] of early.slice(0, firstSteps).entries()) {
      trainStep(task, ids, { step, epoch: 0, stepsPerEpoch, epochs }, { logged: false, losses });
    }
    const progress: Progress = { step: stepsPerEpoch + 1, epoch: 1, stepsPerEpoch, epochs };
    const counters = writeState(task, join(folder, stateFile), progress);
    return Array.from(batches, (ids, i) =>
      scope(() => {
        const state = loadSafetensors(join(folder, stateFile));
        task.loadState({ tensors: partOf(state, "task"), counters });
        task.learners[0].optimizer.loadStateDict({
          steps: firstSteps,
          tensors: partOf(state, "optimizer"),
        });
        return recordStep(task, ids, progress, join(folder, `${i}.safetensors`));
      }),
    );
  } finally {
    task.dispose();
  }
}

/** Writes the tensors of a step's initial state. Returns the numbers that belong to it. */
function writeState(task: PretrainTask, path: string, progress: Progress): Record<string, number> {
  return scope(() => {
    const { tensors, counters } = task.state();
    const optimizer = task.learners[0].optimizer.stateDict().tensors;
    const settings = JSON.stringify({ config: task.config, progress, counters });
    saveSafetensors(path, joinParts({ task: tensors, optimizer }), { settings });
    return counters;
  });
}

function recordStep(task: PretrainTask, ids: Int32Array, progress: Progress, path: string): Outcome {
  const outcome = new Map<string, Float32Array>();
  const before = valuesOf(task);
  const logs = trainStep(watched(task, path, outcome), ids, progress, {
    logged: true,
    losses: new ReadAtOnce(),
  });
  outcome.set("loss", Float32Array.of(logs?.loss ?? Number.NaN));
  outcome.set("accuracy", Float32Array.of(logs?.contrastAccuracy ?? Number.NaN));
  for (const [name, after] of valuesOf(task)) {
    const start = before.get(name);
    outcome.set(`change/${name}`, start === undefined ? after : after.map((value, i) => value - start[i]));
  }
  return outcome;
}

function valuesOf(task: PretrainTask): Map<string, Float32Array> {
  return scope(
    () =>
      new Map(Object.entries(task.state().tensors).map(([name, tensor]) => [name, tensor.toFloat32Array()])),
  );
}

/** The same task, but it writes the inputs of its step to `path` and stores views and gradients in `outcome`. */
function watched(task: PretrainTask, path: string, outcome: Map<string, Float32Array>): Task<PretrainBatch> {
  return {
    batches: (epoch) => task.batches(epoch),
    learners: task.learners.map((learner) => ({
      ...learner,
      *losses(batch: PretrainBatch) {
        for (const loss of learner.losses(batch)) {
          yield loss;
          // The backward pass has ended when the step requests the next loss.
          for (const [name, { grad }] of task.method.learned.namedParameters()) {
            if (grad !== null) outcome.set(`gradient/${name}`, grad.toFloat32Array());
          }
        }
      },
    })),
    see(ids, progress, clock) {
      const batch = task.see(ids, progress, clock);
      const { views, negatives } = batch.seen;
      for (const [view, { masked }] of views.entries()) outcome.set(`view/${view}`, masked.toFloat32Array());
      outcome.set("view/negatives", negatives?.pixels.toFloat32Array() ?? new Float32Array());
      saveSafetensors(path, decisions(task, batch.seen, progress));
      return batch;
    },
    afterStep: (progress) => task.afterStep(progress),
    logs: (batch) => task.logs(batch),
    state: () => task.state(),
    loadState: (state) => task.loadState(state),
  };
}

/** The crops before filter and masks, with all random decisions about them. */
function decisions(
  { config, scene }: PretrainTask,
  { key, views, negatives }: BatchViews,
  { step }: Progress,
): Record<string, Tensor> {
  const { crop } = config.data;
  const { mask, method, seed } = config;
  const grid = gridFor(crop, scene.cell);
  const given: Record<string, Tensor> = {};
  const photos = scene.dataset.images(key.ids); // [B, 3, S, S]
  const add = (name: string, draw: MaskDraw, ids: readonly number[], view: number) => {
    Object.assign(given, maskTensors(name, draw, grid));
    if (mask.fill !== "high-pass") return;
    // Noise with standard deviation 1, which the settings scale.
    const like = given["crops/1"].narrow(0, 0, ids.length); // [B or 1, 3, crop, crop]
    const noise = highPassFill({ ...mask.highPass, noise: [1, 1] });
    given[`${name}/noise`] = noise.replacement(like, { role: draw.role, key: { ...key, ids, view } });
  };
  const ids = Array.from(key.ids);
  for (const [view, { draw }] of views.entries()) given[`crops/${view}`] = renderView(photos, draw, { crop }); // [B, 3, crop, crop]
  for (const [view, { mask: draw }] of views.entries()) {
    if (draw !== null) add(`mask/${view}`, draw, ids, view);
  }
  const { count, ratio, of } = mask.negative;
  const { foreground } = views[1];
  if (negatives !== null && foreground !== null) {
    const losing = of === "shared" ? ids.slice(0, 1) : ids;
    for (let m = 0; m < count; m++) {
      const view = firstNegative + m;
      const cells = foreground.cells.subarray(0, losing.length * grid.rows * grid.cols);
      const { shapes } = fillOf(mask);
      const draw = drawMasks(cells, { ...key, ids: losing, view }, grid, { role: "negative", ratio, shapes });
      add(`negative/${m}`, draw, losing, view);
    }
  }
  if (method.name === "mocov2") {
    const rows = ids.length + (negatives?.pixels.shape[0] ?? 0);
    const order = new KeyedRandom(seed, purpose.shuffle, step).permutation(rows);
    given.order = fromTypedArray(order, [rows]);
  }
  return given;
}

/** `cells` `[B, 1 or 3, rows, cols]`, `windows` `[B, 4]` (top, left, height, width; zeros for none), `valid` `[B]`. */
function maskTensors(name: string, draw: MaskDraw, { rows, cols }: Grid): Record<string, Tensor> {
  const batch = draw.windows.length;
  const windows = draw.windows.flatMap((window) =>
    window === null ? [0, 0, 0, 0] : [window.top, window.left, window.height, window.width],
  );
  return {
    [`${name}/cells`]: fromTypedArray(draw.cells, [batch, draw.channels, rows, cols]),
    [`${name}/windows`]: fromTypedArray(Int32Array.from(windows), [batch, 4]),
    [`${name}/valid`]: fromTypedArray(draw.valid, [batch]),
  };
}
