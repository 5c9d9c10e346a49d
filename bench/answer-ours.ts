/** How our side of a comparison answers requests: one line `steps N` or `memory` each. */
import { createInterface } from "node:readline";
import { mapStages, type StageSeconds } from "../packages/salmask/src/base/stage-clock.js";
import type { StepsTiming } from "./in-turn.js";
import { peakMemory } from "./peak-memory.js";

export interface Answers {
  /** Does the step with this number, from 0. */
  readonly step: (number: number) => StageSeconds;
  /** Waits for what the steps left to the device. */
  readonly settle: () => void;
  /** Requests of this side's own. */
  readonly others?: Readonly<Record<string, () => unknown>>;
}

/** Answers until there are no more requests, and ends the process. */
export async function answer({ step, settle, others = {} }: Answers): Promise<never> {
  let done = 0;
  const timeSteps = async (count: number): Promise<StepsTiming> => {
    const start = performance.now();
    const each: StageSeconds[] = [];
    for (let i = 0; i < count; i++) {
      each.push(step(done++));
      // As in the training loop of a run.
      await new Promise(setImmediate);
    }
    settle();
    const seconds = (performance.now() - start) / 1000;
    return { seconds, stages: mapStages((stage) => each.reduce((sum, stages) => sum + stages[stage], 0)) };
  };
  const requests: Record<string, (count: number) => unknown> = {
    steps: timeSteps,
    memory: peakMemory,
    ...others,
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [request, count] = line.split(" ");
    console.log(JSON.stringify(await requests[request](Number(count))));
  }
  process.exit(0);
}
