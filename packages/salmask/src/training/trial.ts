/** Tries some steps of a task, to say how long a run will take and how much memory it needs. */
import { writeFileSync } from "node:fs";
import { scope, type Tensor } from "@salmask/torch";
import { InterruptedError } from "../base/errors.js";
import { processMemory } from "../base/process-memory.js";
import type { Compute } from "../compute/compute.js";
import { lossWatch } from "./loss-watch.js";
import { trainStep } from "./step.js";
import type { Task } from "./task.js";

/** What was measured of a few steps. */
export interface Trial {
  /** Seconds of the first step, in which caches fill and what is done once per photo is done. */
  readonly first: number;
  /** Seconds of a step: the median of the three after the first. */
  readonly step: number;
  /** Numbers that are learned. */
  readonly parameters: number;
  readonly memory: TaskMemory;
}

/** In bytes. */
export interface TaskMemory {
  /** Weights, momentum copies, queues: what a checkpoint holds besides the optimizers. */
  readonly weights: number;
  readonly gradients: number;
  /** Of all optimizers. */
  readonly optimizer: number;
  /** Activations, and what else a step holds for a moment, as measured; null where it cannot be, as on a GPU. */
  readonly activations: number | null;
}

export interface TryOptions {
  readonly compute: Compute;
  /** Aborting ends the trial with {@link InterruptedError}. */
  readonly signal?: AbortSignal;
}

const timedSteps = 3;
/** Nearly all numbers are of 4 bytes. */
const bytesPerNumber = 4;

/** Trains the task for four steps. Throws {@link InterruptedError}, and what a step throws. */
export async function tryTask<Batch>(task: Task<Batch>, { compute, signal }: TryOptions): Promise<Trial> {
  const order = task.batches(0);
  const losses = lossWatch(compute);
  const seconds: number[] = [];
  const before = compute.device === "cpu" ? beginPeak() : null;
  let peak: number | null = null;
  try {
    for (let step = 0; step <= timedSteps; step++) {
      const ids = order[step % order.length];
      const started = performance.now();
      await task.fetch?.(ids, null);
      const progress = { step, epoch: 0, stepsPerEpoch: timedSteps + 1, epochs: 1 };
      trainStep(task, ids, progress, { logged: false, losses });
      losses.settle();
      seconds.push((performance.now() - started) / 1000);
      if (step === 0 && before !== null) peak = processMemory("VmHWM");
      // Lets signal handlers run.
      await new Promise(setImmediate);
      if (signal?.aborted === true) throw new InterruptedError("Stopped before the first step.");
    }
    const [first, ...later] = seconds;
    const step = later.sort((a, b) => a - b)[Math.floor(timedSteps / 2)];
    const parameters = task.learners.reduce((sum, { optimizer }) => {
      const params = optimizer.paramGroups.flatMap((group) => group.params);
      return sum + params.reduce((numbers, { numel }) => numbers + numel, 0);
    }, 0);
    const gradients = bytesPerNumber * parameters;
    const [weights, optimizer] = scope(() => [
      bytesOf(task.state().tensors),
      task.learners.reduce((sum, learner) => sum + bytesOf(learner.optimizer.stateDict().tensors), 0),
    ]);
    const activations =
      before === null || peak === null ? null : Math.max(0, peak - before - gradients - optimizer);
    return { first, step, parameters, memory: { weights, gradients, optimizer, activations } };
  } finally {
    losses.dispose();
  }
}

const bytesOf = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.values(tensors).reduce((sum, { numel }) => sum + bytesPerNumber * numel, 0);

/** Has the system note the most memory from now on. Returns the memory now; null where that cannot be had. */
function beginPeak(): number | null {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
    return processMemory("VmRSS");
  } catch {
    return null;
  }
}
