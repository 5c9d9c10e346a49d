/** What a step spends its time on, in the order in which the data walks through it. */
export const stages = [
  "data",
  "augmentation",
  "saliency",
  "masking",
  "forward",
  "backward",
  "optimizer",
] as const;
export type Stage = (typeof stages)[number];

/** Seconds of each stage. */
export type StageSeconds = Record<Stage, number>;

/** A figure for each stage. */
export function mapStages(of: (stage: Stage) => number): StageSeconds {
  const [data, augmentation, saliency, masking, forward, backward, optimizer] = stages.map(of);
  return { data, augmentation, saliency, masking, forward, backward, optimizer };
}

/** Adds up where the time of one step goes. On a GPU, whose work goes on after a call, it is the host's time only. */
export class StageClock {
  readonly seconds = mapStages(() => 0);

  /** Calls `fn`, counts its time as the stage's, and returns its result. */
  in<T>(stage: Stage, fn: () => T): T {
    const start = performance.now();
    try {
      return fn();
    } finally {
      this.seconds[stage] += (performance.now() - start) / 1000;
    }
  }
}
