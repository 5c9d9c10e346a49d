/** What ranks do in tests: the same in processes that train together and in a test's own process. */
import { createHash } from "node:crypto";
import { distributed, scope } from "@salmask/torch";
import { SalmaskError } from "../../src/base/errors.js";
import type { RunEvent } from "../../src/base/events.js";
import { type BatchNormRows, type Compute, computeOf } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import { readObjects } from "../../src/data/sets/read-objects.js";
import { openSet } from "../../src/data/sets/registry.js";
import type { PackedDataset } from "../../src/data/store/dataset.js";
import { noisePhotos } from "../../src/data/store/noise-photos.js";
import { keyedNoise } from "../../src/masking/fills/keyed-noise.js";
import { ProcessRanks } from "../../src/ranks/process-ranks.js";
import type { Ranks } from "../../src/ranks/ranks.js";
import { detectSettings } from "../../src/tasks/detect/settings.js";
import { trainDetector } from "../../src/tasks/detect/train.js";
import { finetune } from "../../src/tasks/finetune/finetune.js";
import { finetuneSettings } from "../../src/tasks/finetune/settings.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { PretrainTask } from "../../src/tasks/pretrain/task.js";
import type { Logs } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";

/** A short pre-training in memory. */
export interface RankJob {
  readonly settings: object;
  readonly batchNorm: BatchNormRows;
  readonly epochs: number;
}

interface InFolder {
  readonly photos: string;
  readonly out: string;
  readonly settings: object;
  /** The step after which rank 0 alone is asked to stop. */
  readonly stopAfter?: number;
}

/** A run in a folder; `encoder` is the file of weights that it starts from. */
export type RankRun = InFolder &
  ({ readonly task: "pretrain" } | { readonly task: "finetune" | "detect"; readonly encoder: string });

/** What ranks do, one after another. */
export interface RankWork {
  readonly trainings: readonly RankJob[];
  readonly runs: readonly RankRun[];
}

/** What a rank had at the end of a {@link RankJob}. */
export interface RankResult {
  readonly logs: readonly Logs[];
  /** Every tensor of the task. */
  readonly state: Readonly<Record<string, Float32Array>>;
}

/** What came of {@link RankWork} on one rank. */
export interface RankAnswer {
  readonly trainings: RankResult[];
  /** The code of the error that ended each run, or `complete`. */
  readonly runs: string[];
}

/** A hash of all logs and tensors. */
export function digestOf({ logs, state }: RankResult): string {
  const hash = createHash("sha256").update(JSON.stringify(logs));
  for (const [name, values] of Object.entries(state)) hash.update(name).update(values);
  return hash.digest("hex");
}

const size = 16;

/** Photos of noise, in memory, each with colours of its own. */
function photosOf(length: number): PackedDataset {
  return {
    ...noisePhotos(length, size),
    images: (ids) =>
      scope(() => {
        const like = noisePhotos(1, size).images(ids); // [B, 3, S, S]
        const key = { seed: 3, epoch: 0, view: 0, ids };
        const colours = keyedNoise(like.narrow(2, 0, 1).narrow(3, 0, 1), key, 60); // [B, 3, 1, 1]
        const noise = keyedNoise(like, { ...key, view: 1 }, 30); // [B, 3, S, S]
        return noise.add(colours).add(128).clamp({ min: 0, max: 255 }).toCopy({ dtype: "uint8" });
      }),
  };
}

/** Trains on 32 photos. */
export async function trainOnRank(
  { settings, batchNorm, epochs }: RankJob,
  ranks: Ranks,
): Promise<RankResult> {
  const config = configSchema.parse(settings);
  const compute: Compute = { ...computeOf(config), ranks, batchNorm };
  const task = await PretrainTask.create({ config, dataset: photosOf(32), compute });
  const logs: Logs[] = [];
  try {
    await train(task, {
      epochs,
      logEvery: 1,
      compute,
      report: (event) => {
        if (event.kind === "log") logs.push(event.entry.logs);
      },
    });
    const state = scope(() =>
      Object.fromEntries(
        Object.entries(task.state().tensors).map(([name, tensor]) => [name, tensor.toFloat32Array()]),
      ),
    );
    return { logs, state };
  } finally {
    task.dispose();
  }
}

/** Trains in a folder until the end, or until rank 0 is stopped. Returns the code of the error that ended it, or `complete`. */
export async function runOnRank(run: RankRun, ranks: Ranks): Promise<string> {
  const stop = new AbortController();
  const report = (event: RunEvent) => {
    if (event.kind === "step" && event.step === run.stopAfter) stop.abort();
  };
  const how = { out: run.out, ranks, report, signal: stop.signal };
  try {
    await trainIn(run, how);
    return "complete";
  } catch (error) {
    if (error instanceof SalmaskError) return error.code;
    throw error;
  }
}

interface How {
  readonly out: string;
  readonly ranks: Ranks;
  readonly report: (event: RunEvent) => void;
  readonly signal: AbortSignal;
}

async function trainIn(run: RankRun, how: How): Promise<unknown> {
  const { photos, settings } = run;
  switch (run.task) {
    case "pretrain":
      return await pretrain({ ...how, photos, config: configSchema.parse(settings) });
    case "finetune": {
      const config = finetuneSettings.schema.parse(settings);
      return await finetune({ ...how, encoder: run.encoder, photos: [photos], config });
    }
    case "detect": {
      const { set } = await openSet(photos);
      if (set.kind !== "annotated") throw new TypeError("Expected objects.");
      const { photos: train } = await readObjects(set, "train");
      const config = detectSettings.schema.parse(settings);
      return await trainDetector({ ...how, encoder: run.encoder, set: train, config });
    }
  }
}

/** Does all work on one rank. */
export async function workOnRank({ trainings, runs }: RankWork, ranks: Ranks): Promise<RankAnswer> {
  const answer: RankAnswer = { trainings: [], runs: [] };
  for (const job of trainings) answer.trainings.push(await trainOnRank(job, ranks));
  for (const run of runs) answer.runs.push(await runOnRank(run, ranks));
  return answer;
}

const worldSize = 2;

/** Joins a group of two on loopback, as long as `use` works; rank 0 serves the store. */
export async function inGroup<T>(rank: number, port: number, use: (ranks: Ranks) => Promise<T>): Promise<T> {
  const timeoutSeconds = 60;
  const [host, isServer] = ["127.0.0.1", rank === 0];
  using store = new distributed.TCPStore({ host, port, isServer, worldSize, timeoutSeconds });
  using group = distributed.ProcessGroup.create({ backend: "gloo", store, rank, worldSize, timeoutSeconds });
  return await use(new ProcessRanks({ group, host: group, store }));
}
