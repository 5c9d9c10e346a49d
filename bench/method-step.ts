/** `method-step.ts PHOTOS SETTINGS`: trains a few steps and prints what one costs, as JSON. */
import { availableParallelism } from "node:os";
import { setNumThreads, tuneProcess } from "@salmask/torch";
import { loadConfig } from "../packages/salmask/src/config/load.js";
import { batches, epochOrder } from "../packages/salmask/src/data/samples/order.js";
import { openDataset } from "../packages/salmask/src/data/store/dataset.js";
import { ResNet } from "../packages/salmask/src/models/resnet.js";
import { disposeRun, makeRun } from "../packages/salmask/src/tasks/pretrain/run.js";
import { trainStep } from "../packages/salmask/src/tasks/pretrain/step.js";
import { peakMemory } from "./peak-memory.js";
import { median } from "./rows.js";

export interface StepCost {
  /** Median of a step. */
  seconds: number;
  /** Most resident memory of the process so far, MiB. */
  memory: number;
  /** Photos that went through an encoder in a step, in batches: those for saliency and for negatives too. */
  passes: number;
}

const warmUp = 2;
const measured = 7;

const [photos, settings] = process.argv.slice(2);
tuneProcess();
const config = loadConfig(JSON.parse(settings));
setNumThreads(config.threads === "auto" ? availableParallelism() : config.threads);
const dataset = await openDataset(photos, { size: config.data.size, crop: config.data.crop });
const run = await makeRun(config, dataset);
run.guide.beforeEpoch(0, run.method.momentumBackbone);

let seen = 0;
const features = ResNet.prototype.features;
ResNet.prototype.features = function (this: ResNet, input) {
  seen += input.shape[0];
  return features.call(this, input);
};

const { batchSize } = config.train;
const ids = batches(epochOrder(config.seed, 0, dataset.length), batchSize);
const seconds: number[] = [];
for (let step = 0; step < warmUp + measured; step++) {
  if (step === warmUp) seen = 0;
  const start = performance.now();
  trainStep(run, ids[step % ids.length], { epoch: 0, step, logged: false });
  if (step >= warmUp) seconds.push((performance.now() - start) / 1000);
}
const cost: StepCost = {
  seconds: median(seconds),
  memory: peakMemory(),
  passes: seen / (measured * batchSize),
};
console.log(JSON.stringify(cost));
disposeRun(run);
dataset.close();
