/** `training-ours.ts TASK`: trains on request, `steps N` or `memory` a line; what training.ts times of ours. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { keep, scope, setNumThreads, tuneProcess } from "@salmask/torch";
import { loadConfig } from "../packages/salmask/src/config/load.js";
import { batches, epochOrder } from "../packages/salmask/src/data/samples/order.js";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import { makeRun } from "../packages/salmask/src/tasks/pretrain/run.js";
import { learn, maskCrops, renderCrops, trainStep } from "../packages/salmask/src/tasks/pretrain/step.js";
import { mapStages, StageClock, type StageSeconds } from "../packages/salmask/src/training/stage-clock.js";
import { peakMemory } from "./peak-memory.js";
import type { StepsTiming, TrainingTask } from "./training.js";

tuneProcess();
const task: TrainingTask = JSON.parse(process.argv[2]);
const config = loadConfig({
  device: task.device,
  precision: task.precision,
  "data.crop": task.crop,
  "model.arch": task.arch,
  "model.width": task.width,
  "model.stem": task.stem,
  "method.queue": task.queue,
  "method.groups": 1,
  "train.batchSize": task.batch,
  ...(task.recipe === "plain" ? { "mask.fill": "none" } : {}),
});
setNumThreads(task.threads);
const { size, crop } = config.data;
const dataset = await openDataset(task.folder, {
  ...{ size, crop },
  cacheDir: mkdtempSync(join(task.scratch, "cache-")),
});
const run = await makeRun(config, dataset);
run.guide.beforeEpoch(0, run.method.momentumBackbone);

const residentBatches = 2;
const { seed } = config;
const { batchSize } = config.train;
const order = (epoch: number) => batches(epochOrder(seed, epoch, dataset.length), batchSize);
const perEpoch = order(0).length;

/** One step from the folder's photos. */
function fromFolder(step: number): StageSeconds {
  const epoch = Math.floor(step / perEpoch);
  const clock = new StageClock();
  trainStep(run, order(epoch)[step % perEpoch], { epoch, step, logged: false }, clock);
  return clock.seconds;
}

/** One step from crops that are there already. */
function residentSteps(): (step: number) => StageSeconds {
  const resident = order(0)
    .slice(0, residentBatches)
    .map((ids) => {
      const key = { seed, epoch: 0, ids };
      const { query, key: other, ...draws } = scope(() => renderCrops(run, key));
      return { key, crops: { query: keep(query), key: keep(other), ...draws } };
    });
  return (step) => {
    const clock = new StageClock();
    const { key, crops } = resident[step % residentBatches];
    scope(() => {
      const views = maskCrops(run, crops, key, config.mask, clock);
      learn(run, views, key, { epoch: 0, step, logged: false }, clock);
    });
    return clock.seconds;
  };
}

const doStep = task.feed === "folder" ? fromFolder : residentSteps();
let done = 0;

async function timeSteps(count: number): Promise<StepsTiming> {
  const start = performance.now();
  const each: StageSeconds[] = [];
  for (let i = 0; i < count; i++) {
    each.push(doStep(done++));
    // As in the loop of a run.
    await new Promise(setImmediate);
  }
  run.losses.settle();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, stages: mapStages((stage) => each.reduce((sum, stages) => sum + stages[stage], 0)) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const [request, count] = line.split(" ");
  const answer = request === "memory" ? peakMemory() : await timeSteps(Number(count));
  console.log(JSON.stringify(answer));
}
process.exit(0);
