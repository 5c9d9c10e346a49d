/** Measures the duration of a run on this machine with random photos, before any photo is decoded. */
import { fromTypedArray, KeyedRandom } from "@salmask/torch";
import { InterruptedError } from "../../base/errors.js";
import type { Compute } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { lossWatch } from "../../training/loss-watch.js";
import { trainStep } from "../../training/step.js";
import { PretrainTask } from "./task.js";

const timedSteps = 3;

/** The time that a run needs on this machine. */
export interface Speed {
  /** Seconds per step. */
  readonly step: number;
  /** Seconds per photo that are needed once, to find its object. */
  readonly photo: number;
}

/** Measures steps. The first one finds the objects and is the warm-up; the result is the median of the next three. */
export async function measureSpeed(
  config: RunConfig,
  compute: Compute,
  signal?: AbortSignal,
): Promise<Speed> {
  const dataset = noise(config.train.batchSize, 2 * config.data.crop);
  const task = await PretrainTask.create({ config: forNoise(config), dataset, compute });
  const losses = lossWatch(compute);
  try {
    const ids = Int32Array.from({ length: dataset.length }, (_, i) => i);
    const seconds: number[] = [];
    for (let step = 0; step <= timedSteps; step++) {
      const started = performance.now();
      const progress = { step, epoch: 0, stepsPerEpoch: timedSteps + 1, epochs: 1 };
      trainStep(task, ids, progress, { logged: false, losses });
      losses.settle();
      seconds.push((performance.now() - started) / 1000);
      // Lets signal handlers run.
      await new Promise(setImmediate);
      if (signal?.aborted === true) throw new InterruptedError("Stopped before the first step.");
    }
    const [first, ...later] = seconds;
    const step = later.sort((a, b) => a - b)[Math.floor(timedSteps / 2)];
    return { step, photo: Math.max(0, first - step) / ids.length };
  } finally {
    losses.dispose();
    task.dispose();
    dataset.close();
  }
}

/** Maps and masks in files are of the user's photos; a source that computes next to nothing takes their place. */
function forNoise(config: RunConfig): RunConfig {
  const { saliency } = config;
  const source = saliency.source === "maps" ? "centre" : saliency.source;
  return { ...config, saliency: { ...saliency, source, truth: undefined } };
}

/** Photos of random noise, squares of `size` pixels. */
function noise(length: number, size: number): PackedDataset {
  const random = new KeyedRandom(0);
  const bytes = 3 * size * size;
  const photo = Uint8Array.from({ length: bytes }, () => random.integer(256));
  return {
    length,
    size,
    classes: [],
    labels: new Int32Array(length).fill(-1),
    names: Array.from({ length }, (_, i) => `${i}.jpg`),
    originalSizes: new Int32Array(2 * length).fill(size),
    skipped: [],
    path: "",
    fingerprint: "",
    sourceStamp: "",
    images(ids) {
      const all = new Uint8Array(ids.length * bytes);
      for (let i = 0; i < ids.length; i++) all.set(photo, i * bytes);
      return fromTypedArray(all, [ids.length, 3, size, size]); // [B, 3, S, S]
    },
    close() {},
  };
}
