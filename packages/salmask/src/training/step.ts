/** One training step, the same code for every task. */
import { scope } from "@salmask/torch";
import { StageClock } from "../base/stage-clock.js";
import { type GradientReducer, oneRank, type Ranks } from "../ranks/ranks.js";
import type { LossWatch } from "./loss-watch.js";
import type { Learner, Logs, Progress, Task } from "./task.js";

export interface StepOptions {
  /** Whether the numbers of the step are needed; reading them may wait for the device. */
  readonly logged: boolean;
  readonly losses: LossWatch;
  readonly clock?: StageClock;
  /** The processes that the batch is divided among, and one reducer for each learner. Default: this process alone. */
  readonly together?: Together;
}

/** What averages gradients and logs over the processes that train one task. */
export interface Together {
  readonly ranks: Ranks;
  /** In the order of the task's learners. The caller frees them. */
  readonly reducers: readonly GradientReducer[];
}

const alone: Together = { ranks: oneRank, reducers: [] };

/** For the learners of a task. */
export function togetherOf<Batch>({ learners }: Task<Batch>, ranks: Ranks): Together {
  const parametersOf = ({ optimizer }: Learner<Batch>) =>
    optimizer.paramGroups.flatMap(({ params }) => params).filter(({ requiresGrad }) => requiresGrad);
  return { ranks, reducers: learners.map((learner) => ranks.reducer(parametersOf(learner))) };
}

/**
 * Trains on the photos `ids` [B] of this rank. Returns null if the step is not logged. A loss that is not finite throws
 * TrainingError `loss-not-finite` (see {@link LossWatch}); on a CPU this happens before a weight of its learner is changed.
 * Learners before it have made their step then, because its loss is computed with their new weights.
 */
export function trainStep<Batch>(
  task: Task<Batch>,
  ids: Int32Array,
  progress: Progress,
  { logged, losses, clock = new StageClock(), together = alone }: StepOptions,
): Logs | null {
  return scope(() => {
    const batch = task.see(ids, progress, clock);
    const logs = task.learners.map((learner, place) => {
      followSchedules(learner, progress);
      const reducer = together.reducers.at(place);
      const seen = goBackward(learner, batch, progress, { logged, losses, clock, reducer });
      clock.in("optimizer", () => {
        learner.adjustGradients?.(progress);
        learner.optimizer.step();
        learner.optimizer.zeroGrad();
      });
      return place === 0 ? seen : prefixed(learner.name, seen);
    });
    clock.in("optimizer", () => task.afterStep?.(progress));
    if (!logged) return null;
    const own: Logs = Object.assign({}, ...logs, task.logs?.(batch));
    return meanOf(together.ranks.exchange(own));
  });
}

function followSchedules<Batch>(
  { optimizer, lr, rates, momentum, weightDecay, weightDecays }: Learner<Batch>,
  progress: Progress,
): void {
  const usual = lr(progress);
  for (const [place, group] of optimizer.paramGroups.entries()) {
    group.lr = rates?.get(place)?.(progress) ?? usual;
    if (momentum !== undefined) group.momentum = momentum(progress);
    const decay = weightDecays?.get(place) ?? weightDecay;
    if (decay !== undefined) group.weightDecay = decay(progress);
  }
}

interface Backward extends Required<Pick<StepOptions, "logged" | "losses" | "clock">> {
  readonly reducer: GradientReducer | undefined;
}

/** Runs the backward pass of each of a learner's losses. Returns the means of their logged numbers. */
function goBackward<Batch>(
  learner: Learner<Batch>,
  batch: Batch,
  { step }: Progress,
  { logged, losses, clock, reducer }: Backward,
): Logs {
  const turns = learner.losses(batch)[Symbol.iterator]();
  const seen: Logs[] = [];
  const turn = (): boolean =>
    scope(() => {
      const next = clock.in("forward", () => turns.next());
      if (next.done === true) return false;
      const { loss, logs } = next.value;
      losses.see(loss, step);
      clock.in("backward", () => {
        reducer?.prepareForBackward();
        loss.backward();
      });
      if (logged) {
        losses.settle();
        seen.push({ loss: loss.item(), ...logs() });
      }
      return true;
    });
  try {
    while (turn());
  } finally {
    turns.return?.();
  }
  return meanOf(seen);
}

/** The mean of each named number over the logs that have it. */
function meanOf(all: readonly Logs[]): Logs {
  const names = new Set(all.flatMap((logs) => Object.keys(logs)));
  return Object.fromEntries(
    Array.from(names, (name) => {
      const values = all.map((logs) => logs[name]).filter((value) => value !== undefined);
      return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
}

function prefixed(name: string, logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([key, value]) => [`${name}.${key}`, value]));
}
