/** What ranks do in tests: the same in processes that train together and in a test's own process. */
import { scope } from "@salmask/torch";
import { SalmaskError } from "../../src/base/errors.js";
import type { RunEvent } from "../../src/base/events.js";
import { type BatchNormRows, type Compute, computeOf } from "../../src/compute/compute.js";
import { configSchema } from "../../src/config/schema.js";
import type { PackedDataset } from "../../src/data/store/dataset.js";
import { noisePhotos } from "../../src/data/store/noise-photos.js";
import { keyedNoise } from "../../src/masking/fills/keyed-noise.js";
import type { Ranks } from "../../src/ranks/ranks.js";
import { pretrain } from "../../src/tasks/pretrain/pretrain.js";
import { PretrainTask } from "../../src/tasks/pretrain/task.js";
import type { Logs } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";

/** A short training. */
export interface RankJob {
  readonly settings: object;
  readonly batchNorm: BatchNormRows;
  readonly epochs: number;
}

/** A run in a folder. */
export interface RankRun {
  readonly photos: string;
  readonly out: string;
  readonly settings: object;
  /** The step after which rank 0 alone is asked to stop. */
  readonly stopAfter: number;
}

/** What a rank had at the end of a {@link RankJob}. */
export interface RankResult {
  readonly logs: readonly Logs[];
  /** Every tensor of the task. */
  readonly state: Readonly<Record<string, readonly number[]>>;
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
        Object.entries(task.state().tensors).map(([name, tensor]) => [name, tensor.toArray()]),
      ),
    );
    return { logs, state };
  } finally {
    task.dispose();
  }
}

/** Pre-trains until rank 0 is stopped. Returns the code of the error that ended it. */
export async function runOnRank({ settings, stopAfter, ...run }: RankRun, ranks: Ranks): Promise<string> {
  const stop = new AbortController();
  const report = (event: RunEvent) => {
    if (event.kind === "step" && event.step === stopAfter) stop.abort();
  };
  try {
    await pretrain({ ...run, config: configSchema.parse(settings), ranks, report, signal: stop.signal });
    return "complete";
  } catch (error) {
    if (error instanceof SalmaskError) return error.code;
    throw error;
  }
}
