/** What the training of a detector will do, and how long it will take. */
import { availableParallelism } from "node:os";
import { setNumThreads } from "@salmask/torch";
import { chooseAlgorithms, computeOf } from "../../compute/compute.js";
import { RunFolder } from "../../runs/run-folder.js";
import { refuseOtherSettings } from "../../runs/same-run.js";
import { type RunPlan, runPlan } from "../../training/run-plan.js";
import { tryTask } from "../../training/trial.js";
import { chooseByPhotos } from "./recipe.js";
import { detectSettings } from "./settings.js";
import { DetectTask } from "./task.js";
import { detectorFrom, epochsOf, stridesOf, type TrainDetectorOptions } from "./train.js";

export interface DetectPlan extends RunPlan {
  readonly kind: "detect";
  readonly objects: number;
  readonly categories: number;
  /** What the settings left to the photos, in sentences. */
  readonly why: readonly string[];
}

/** Tries some steps on the first photos. Writes nothing. Throws what `trainDetector` throws before the first step. */
export async function planDetector(
  options: Pick<TrainDetectorOptions, "encoder" | "set" | "out" | "config" | "resume" | "signal">,
): Promise<DetectPlan> {
  const { encoder, set, resume = false, signal } = options;
  const folder = new RunFolder(options.out);
  folder.refuseFor(resume);
  const { photos } = set;
  const { config, why } = chooseByPhotos(options.config, { photos, strides: stridesOf(encoder) });
  const compute = computeOf(config);
  using checkpoint = folder.checkpointFor(resume);
  if (checkpoint !== null) refuseOtherSettings(detectSettings, checkpoint, config, compute);
  chooseAlgorithms(compute, config.deterministic);
  setNumThreads(config.threads === "auto" ? availableParallelism() : config.threads);
  const task = new DetectTask(detectorFrom(encoder, set, config).detector, set, config);
  try {
    const trial = await tryTask(task, { compute, signal });
    const [first, ...others] = task.batches(0);
    const stepsPerEpoch = 1 + others.length;
    const plan = runPlan({
      photos: photos.length,
      batchSize: first.length,
      stepsPerEpoch,
      epochs: epochsOf(config, stepsPerEpoch),
      trial,
      done: checkpoint?.position.step,
    });
    const objects = photos.reduce((sum, photo) => sum + photo.objects.length, 0);
    return { kind: "detect", ...plan, objects, categories: set.categories.length, why };
  } finally {
    task.dispose();
  }
}
