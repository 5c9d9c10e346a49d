/** Measures a run on this machine with random photos, before any photo is decoded. */
import type { Compute } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import { noisePhotos } from "../../data/store/noise-photos.js";
import { type Trial, tryTask } from "../../training/trial.js";
import { PretrainTask } from "./task.js";

/** The time that a run needs on this machine. */
export interface Speed {
  /** Seconds per step. */
  readonly step: number;
  /** Seconds per photo that are needed once, to find its object. */
  readonly photo: number;
}

/** Tries steps of a run. Throws InterruptedError. */
export async function tryRun(config: RunConfig, compute: Compute, signal?: AbortSignal): Promise<Trial> {
  const dataset = noisePhotos(config.train.batchSize, 2 * config.data.crop);
  const task = await PretrainTask.create({ config: forNoise(config), dataset, compute });
  try {
    return await tryTask(task, { compute, signal });
  } finally {
    task.dispose();
    dataset.close();
  }
}

/** Measures steps. The first one finds the objects and is the warm-up; the result is the median of the next three. */
export async function measureSpeed(
  config: RunConfig,
  compute: Compute,
  signal?: AbortSignal,
): Promise<Speed> {
  return speedOf(await tryRun(config, compute, signal), config);
}

export function speedOf({ first, step }: Pick<Trial, "first" | "step">, { train }: RunConfig): Speed {
  return { step, photo: Math.max(0, first - step) / train.batchSize };
}

/** Maps and masks in files are of the user's photos; a source that computes next to nothing takes their place. */
function forNoise(config: RunConfig): RunConfig {
  const { saliency } = config;
  const source = saliency.source === "maps" ? "centre" : saliency.source;
  return { ...config, saliency: { ...saliency, source, truth: undefined } };
}
