/** `training-ours.ts TASK`: our side of training.ts, which trains on request. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { keep, scope, setNumThreads, tuneProcess } from "@salmask/torch";
import { StageClock, type StageSeconds } from "../packages/salmask/src/base/stage-clock.js";
import { computeOf } from "../packages/salmask/src/compute/compute.js";
import { loadConfig } from "../packages/salmask/src/config/load.js";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import { type PretrainBatch, PretrainTask } from "../packages/salmask/src/tasks/pretrain/task.js";
import { lossWatch } from "../packages/salmask/src/training/loss-watch.js";
import { trainStep } from "../packages/salmask/src/training/step.js";
import type { Progress, Task } from "../packages/salmask/src/training/task.js";
import { cropsOf, maskedViews } from "../packages/salmask/src/views/see.js";
import { answer } from "./answer-ours.js";
import type { TrainingTask } from "./training.js";

tuneProcess();
const asked: TrainingTask = JSON.parse(process.argv[2]);
const config = loadConfig({
  device: asked.device,
  precision: asked.precision,
  "data.crop": asked.crop,
  "model.arch": asked.arch,
  "model.width": asked.width,
  "model.stem": asked.stem,
  "method.queue": asked.queue,
  "method.groups": 1,
  "train.batchSize": asked.batch,
  ...(asked.recipe === "plain" ? { "mask.fill": "none" } : {}),
});
setNumThreads(asked.threads);
const { size, crop } = config.data;
const dataset = await openDataset(asked.folder, {
  size,
  crop,
  cacheDir: mkdtempSync(join(asked.scratch, "cache-")),
});
const compute = computeOf(config);
const losses = lossWatch(compute);
const task = await PretrainTask.create({ config, dataset, compute });
task.beforeEpoch(0);

const residentBatches = 2;
const perEpoch = task.batches(0).length;

/** Steps on crops that are in memory. */
function onResident(): Task<PretrainBatch> {
  const { recipe, scene, method } = task;
  const resident = task
    .batches(0)
    .slice(0, residentBatches)
    .map((ids) => {
      const key = { seed: config.seed, epoch: 0, ids };
      const crops = scope(() =>
        cropsOf(recipe, scene, key).map(({ pixels, draw }) => ({ pixels: keep(pixels), draw })),
      );
      return { key, crops };
    });
  return {
    batches: () => resident.map(({ key }) => key.ids),
    learners: task.learners,
    see(_, progress, clock) {
      const { key, crops } = resident[progress.step % residentBatches];
      const seen = maskedViews(recipe, scene, key, crops, clock);
      return { seen, occluded: null, compare: clock.in("forward", () => method.against(seen, progress)) };
    },
    afterStep: (progress) => task.afterStep(progress),
    state: () => task.state(),
    loadState: (state) => task.loadState(state),
  };
}

const timed: Task<PretrainBatch> = asked.feed === "folder" ? task : onResident();

function doStep(step: number): StageSeconds {
  const epoch = Math.floor(step / perEpoch);
  const batches = timed.batches(epoch);
  const progress: Progress = { step, epoch, stepsPerEpoch: perEpoch, epochs: config.train.epochs };
  const clock = new StageClock();
  trainStep(timed, batches[step % batches.length], progress, { logged: false, losses, clock });
  return clock.seconds;
}

await answer({ step: doStep, settle: () => losses.settle() });
