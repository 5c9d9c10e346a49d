/** The parts of one run, how they are made from its configuration, and how they go into a checkpoint and back. */
import { isDeepStrictEqual } from "node:util";
import { libtorchVersion, type optim, scope, setCudnnBenchmark } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { type Compute, computeOf } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { type Grid, gridFor } from "../../masking/grid.js";
import { strideOf } from "../../models/resnet.js";
import { joinParts, partOf } from "../../models/state-dict.js";
import { type Position, resumeFrom, saveCheckpoint } from "../../runs/checkpoint.js";
import { SaliencyGuide } from "../../saliency/guide.js";
import type { Method } from "../../ssl/method.js";
import type { Adversary } from "../../ssl/occlusion/adversary.js";
import { adversaryOf, methodOf } from "../../ssl/registry.js";
import { type LossWatch, lossWatch } from "../../training/loss-watch.js";
import { optimizerOf } from "../../training/optimizer.js";
import type { ViewOptions } from "../../views/index.js";
import { TrueMasks } from "./true-masks.js";

export interface Run {
  readonly config: RunConfig;
  readonly compute: Compute;
  readonly dataset: PackedDataset;
  readonly view: ViewOptions;
  readonly grid: Grid;
  readonly method: Method;
  readonly optimizer: optim.Optimizer;
  readonly guide: SaliencyGuide;
  readonly losses: LossWatch;
  /** null where no true masks are given. */
  readonly truth: TrueMasks | null;
  /** What learns to occlude the query; null without ADIOS. */
  readonly adversary: Adversary | null;
}

/** Fresh weights, an optimiser without momentum, and what else the configuration asks for. {@link disposeRun} frees it. */
export async function makeRun(config: RunConfig, dataset: PackedDataset): Promise<Run> {
  const compute = computeOf(config);
  const grid = gridFor(config.data.crop, strideOf(config.model.stem));
  // A step's shapes are those of the one before.
  setCudnnBenchmark(compute.device !== "cpu");
  // What can fail comes first, so that a refused configuration leaves nothing behind.
  const guide = await SaliencyGuide.open(config, dataset, grid, compute);
  const truth = await TrueMasks.open(config, dataset, grid).catch((error: unknown) => {
    guide.dispose();
    throw error;
  });
  const method = methodOf(config, compute);
  const optimizer = optimizerOf(config, method.learned);
  const adversary = adversaryOf(config, compute);
  const view = config.augment;
  const losses = lossWatch(compute);
  return { config, compute, dataset, view, grid, method, optimizer, guide, losses, truth, adversary };
}

/** Parts of a checkpoint beside the method's. */
const saliencyPart = "saliency";
const adversaryPart = "adversary";

/**
 * Writes all that the run needs to go on after `step` steps, the same from any device. Returns the file's path. Throws
 * TrainingError `loss-not-finite` where a step was taken on such a loss; nothing is written then.
 */
export function save(run: Run, folder: string, step: number, keep: number): string {
  run.losses.settle();
  const { method, guide, optimizer, dataset, config, compute, adversary } = run;
  const beside = { [saliencyPart]: guide.state(), [adversaryPart]: adversary?.state() ?? {} };
  const tensors = { ...method.state(), ...joinParts(beside) };
  const { steps: optimizerSteps, tensors: optimizerTensors } = optimizer.stateDict();
  const position: Position = {
    ...{ step, counters: method.counters(), optimizerSteps },
    // As it was meant here: elsewhere auto may mean another.
    config: { ...config, precision: compute.precision },
    ...{ dataFingerprint: dataset.fingerprint, libtorch: libtorchVersion() },
  };
  return saveCheckpoint(folder, { position, tensors, optimizer: optimizerTensors }, keep);
}

/** Copies the newest checkpoint of a folder, or the one given, into the run. Returns the steps that were done. */
export function restore(run: Run, folder: string, given?: string): number {
  return scope(() => {
    const { position, tensors, optimizer } = resumeFrom(folder, given);
    checkSameRun(run, position);
    run.method.loadState(tensors, position.counters);
    run.optimizer.loadStateDict({ steps: position.optimizerSteps, tensors: optimizer });
    run.guide.loadState(partOf(tensors, saliencyPart), run.method.momentumBackbone);
    run.adversary?.loadState(partOf(tensors, adversaryPart), position.step);
    return position.step;
  });
}

/**
 * Settings that may change between the parts of one run: what is learned does not depend on them. A device rounds in its own
 * way, and draws the noise of masks from its own generator, but it learns the same thing from the same state; to go on
 * elsewhere is what a checkpoint is for. The precision may not change: it is ten bits of every product.
 */
const free = new Set([
  "device",
  "train.logEvery",
  "train.checkpointEvery",
  "train.keep",
  "train.varianceEvery",
  "saliency.truth",
  "data.cache",
]);

/** Throws {@link UsageError} `another-run` that lists what differs between the checkpoint's run and this one. */
function checkSameRun(run: Run, position: Position): void {
  const faults = differences(position.config, { ...run.config, precision: run.compute.precision });
  const { fingerprint, sourceStamp } = run.dataset;
  if (![fingerprint, sourceStamp].includes(position.dataFingerprint))
    faults.push("the photos are not the same");
  if (faults.length === 0) return;
  throw new UsageError(
    "another-run",
    `Expected the settings and photos that the checkpoint was written with, but ${faults.join("; ")}. ` +
      "Give the same options, or start a new run in another --out.",
  );
}

function differences(before: unknown, now: unknown, path = ""): string[] {
  if (free.has(path) || isDeepStrictEqual(before, now)) return [];
  const isTree = (value: unknown): value is object =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTree(before) || !isTree(now))
    return [`${path} was ${JSON.stringify(before)} and is ${JSON.stringify(now)}`];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) =>
    differences(Reflect.get(before, key), Reflect.get(now, key), path === "" ? key : `${path}.${key}`),
  );
}

/** Frees all that {@link makeRun} made. */
export function disposeRun({ guide, losses, truth, optimizer, method, adversary }: Run): void {
  losses.dispose();
  adversary?.dispose();
  truth?.dispose();
  guide.dispose();
  optimizer.dispose();
  method.dispose();
}
