import type { Trial } from "./trial.js";

/** What a run will do, in numbers. */
export interface RunPlan {
  /** Photos that are learned from. */
  readonly photos: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  /** A fraction where the run is counted in steps. */
  readonly epochs: number;
  readonly steps: number;
  /** Steps that earlier processes of the run have done. */
  readonly done: number;
  /** Steps that were tried to know it, and the memory that they took. */
  readonly trial: Trial;
  /** Expected seconds until the last step. */
  readonly seconds: number;
}

export interface PlanInput
  extends Pick<RunPlan, "photos" | "batchSize" | "stepsPerEpoch" | "epochs" | "trial"> {
  /** Steps that were done before. Default 0. */
  readonly done?: number;
  /** Seconds per photo of work that is done once. Default 0. */
  readonly oncePerPhoto?: number;
}

export function runPlan({ done = 0, oncePerPhoto = 0, ...input }: PlanInput): RunPlan {
  const { photos, stepsPerEpoch, epochs, trial } = input;
  const steps = Math.round(epochs * stepsPerEpoch);
  const once = done === 0 ? photos * oncePerPhoto : 0;
  return { ...input, steps, done, seconds: Math.max(0, steps - done) * trial.step + once };
}
