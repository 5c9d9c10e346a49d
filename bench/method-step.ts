/** `method-step.ts PHOTOS SETTINGS`: trains a few steps and prints the cost of one as JSON. */
import { availableParallelism } from "node:os";
import { setNumThreads, tuneProcess } from "@salmask/torch";
import { computeOf } from "../packages/salmask/src/compute/compute.js";
import { loadConfig } from "../packages/salmask/src/config/load.js";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import type { Backbone } from "../packages/salmask/src/models/backbone.js";
import { PretrainTask } from "../packages/salmask/src/tasks/pretrain/task.js";
import { lossWatch } from "../packages/salmask/src/training/loss-watch.js";
import { trainStep } from "../packages/salmask/src/training/step.js";
import { peakMemory } from "./peak-memory.js";
import { median } from "./rows.js";

export interface StepCost {
  /** Median per step. */
  seconds: number;
  /** Peak resident memory of the process so far, MiB. */
  memory: number;
  /** Photos that went through an encoder per step, in batches, including those for saliency and for negatives. */
  passes: number;
}

const warmUp = 2;
const measured = 7;

const [photos, settings] = process.argv.slice(2);
tuneProcess();
const config = loadConfig(JSON.parse(settings));
setNumThreads(config.threads === "auto" ? availableParallelism() : config.threads);
const dataset = await openDataset(photos, { size: config.data.size, crop: config.data.crop });
const compute = computeOf(config);
const losses = lossWatch(compute);
const task = await PretrainTask.create({ config, dataset, compute });
task.beforeEpoch(0);

let seen = 0;
/** The prototype that all networks of the encoder's kind share, including those that compute saliency. */
const network: Backbone = Object.getPrototypeOf(task.method.backbone);
const { features } = network;
network.features = function (this: Backbone, input) {
  seen += input.shape[0];
  return features.call(this, input);
};

const { batchSize, epochs } = config.train;
const ids = task.batches(0);
const seconds: number[] = [];
for (let step = 0; step < warmUp + measured; step++) {
  if (step === warmUp) seen = 0;
  const start = performance.now();
  const progress = { epoch: 0, step, stepsPerEpoch: ids.length, epochs };
  trainStep(task, ids[step % ids.length], progress, { logged: false, losses });
  if (step >= warmUp) seconds.push((performance.now() - start) / 1000);
}
const cost: StepCost = {
  seconds: median(seconds),
  memory: peakMemory(),
  passes: seen / (measured * batchSize),
};
console.log(JSON.stringify(cost));
losses.dispose();
task.dispose();
dataset.close();
