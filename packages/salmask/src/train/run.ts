/** The parts of one run, how they are made from its configuration, and how they go into a checkpoint and back. */
import { isDeepStrictEqual } from "node:util";
import { libtorchVersion, type optim, scope } from "@salmask/torch";
import type { ViewOptions } from "../augment/index.js";
import type { RunConfig } from "../config/schema.js";
import type { PackedDataset } from "../data/cache.js";
import { UsageError } from "../errors.js";
import { type Grid, gridFor } from "../masking/grid.js";
import type { Adversary } from "../methods/adios/adversary.js";
import type { Method } from "../methods/method.js";
import { adversaryOf, methodOf } from "../methods/registry.js";
import { strideOf } from "../models/resnet.js";
import { joinParts, partOf } from "../models/state-dict.js";
import { type Position, resumeFrom, saveCheckpoint } from "./checkpoint.js";
import { optimizerOf } from "./optimizer.js";
import { SaliencyGuide } from "./saliency-guide.js";
import { TrueMasks } from "./true-masks.js";

export interface Run {
  readonly config: RunConfig;
  readonly dataset: PackedDataset;
  readonly view: ViewOptions;
  readonly grid: Grid;
  readonly method: Method;
  readonly optimizer: optim.Optimizer;
  readonly guide: SaliencyGuide;
  /** null where no true masks are given. */
  readonly truth: TrueMasks | null;
  /** What learns to occlude the query; null without ADIOS. */
  readonly adversary: Adversary | null;
}

/** Fresh weights, an optimiser without momentum, and what else the configuration asks for. {@link disposeRun} frees it. */
export async function makeRun(config: RunConfig, dataset: PackedDataset): Promise<Run> {
  const grid = gridFor(config.data.crop, strideOf(config.model.stem));
  // What can fail comes first, so that a refused configuration leaves nothing behind.
  const guide = await SaliencyGuide.open(config, dataset, grid);
  const truth = await TrueMasks.open(config, dataset, grid).catch((error: unknown) => {
    guide.dispose();
    throw error;
  });
  const method = methodOf(config);
  const optimizer = optimizerOf(config, method.learned);
  const adversary = adversaryOf(config);
  return { config, dataset, view: config.augment, grid, method, optimizer, guide, truth, adversary };
}

/** Parts of a checkpoint beside the method's. */
const saliencyPart = "saliency";
const adversaryPart = "adversary";

/** Writes all that the run needs to go on after `step` steps. Returns the file's path. */
export function save(run: Run, folder: string, step: number, keep: number): string {
  const { method, guide, optimizer, dataset, config, adversary } = run;
  const beside = { [saliencyPart]: guide.state(), [adversaryPart]: adversary?.state() ?? {} };
  const tensors = { ...method.state(), ...joinParts(beside) };
  const { steps: optimizerSteps, tensors: optimizerTensors } = optimizer.stateDict();
  const position: Position = {
    ...{ step, counters: method.counters(), optimizerSteps, config },
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

/** Settings that may change between the parts of one run, because no weight depends on them. */
const free = new Set([
  "train.logEvery",
  "train.checkpointEvery",
  "train.keep",
  "train.varianceEvery",
  "saliency.truth",
  "data.cache",
]);

/** Throws {@link UsageError} `another-run` that lists what differs between the checkpoint's run and this one. */
function checkSameRun(run: Run, position: Position): void {
  const faults = differences(position.config, run.config);
  if (position.dataFingerprint !== run.dataset.fingerprint) faults.push("the photos are not the same");
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
export function disposeRun({ guide, truth, optimizer, method, adversary }: Run): void {
  adversary?.dispose();
  truth?.dispose();
  guide.dispose();
  optimizer.dispose();
  method.dispose();
}
