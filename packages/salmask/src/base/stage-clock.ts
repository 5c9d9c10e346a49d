/** The stages of a step, in the order in which data passes through them. */
export const stages = [
  "data",
  "augmentation",
  "saliency",
  "masking",
  "forward",
  "backward",
  "optimizer",
] as const;
/** A stage of a step. */
export type Stage = (typeof stages)[number];

/** Seconds per stage. */
export type StageSeconds = Record<Stage, number>;

/** Seconds per stage of a logged step, and what was measured after it. */
export type LoggedSeconds = StageSeconds & {
  /** To score the encoder by kNN; missing where the step was not scored. */
  readonly knn?: number;
};

/** A number per stage. */
export function mapStages(of: (stage: Stage) => number): StageSeconds {
  const [data, augmentation, saliency, masking, forward, backward, optimizer] = stages.map(of);
  return { data, augmentation, saliency, masking, forward, backward, optimizer };
}

/** Adds up the time of each stage of a step. On a GPU, which works after a call returns, this is the host's time only. */
export class StageClock {
  readonly seconds = mapStages(() => 0);

  /** Calls `fn`, adds its duration to the stage, and returns its result. */
  in<T>(stage: Stage, fn: () => T): T {
    const start = performance.now();
    try {
      return fn();
    } finally {
      this.seconds[stage] += (performance.now() - start) / 1000;
    }
  }
  /** The same for what has to be waited for. */
  async inAsync<T>(stage: Stage, fn: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await fn();
    } finally {
      this.seconds[stage] += (performance.now() - start) / 1000;
    }
  }
}
