/** One training step, the same code for every task. */
import { scope } from "@salmask/torch";
import { StageClock } from "../base/stage-clock.js";
import { type GradientReducer, oneRank, type Ranks } from "../ranks/ranks.js";
import type { LossWatch } from "./loss-watch.js";
import { microBatches } from "./micro-batches.js";
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

/** Named numbers, and the share of the step's photos that they are of. */
interface Part {
  readonly logs: Logs;
  readonly share: number;
}

/**
 * Trains on the photos `ids` [B] of this rank, in micro-batches where the task accumulates gradients. Returns null if the step is not
 * logged. A loss that is not finite throws TrainingError `loss-not-finite` (see {@link LossWatch}); on a CPU this happens before a weight
 * of its learner is changed. Learners before it have made their step then, because its loss is computed with their new weights.
 */
export function trainStep<Batch>(
  task: Task<Batch>,
  ids: Int32Array,
  progress: Progress,
  { logged, losses, clock = new StageClock(), together = alone }: StepOptions,
): Logs | null {
  return scope(() => {
    const parts = microBatches(ids, task.accumulate ?? 1);
    const how = { logged, losses, clock };
    const early = parts.slice(0, -1).map((part) =>
      gather(task, part, progress, {
        ...how,
        share: part.length / ids.length,
        reducer: together.reducers.at(0),
      }),
    );
    const rest = parts[parts.length - 1];
    const share = rest.length / ids.length;
    const batch = task.see(rest, progress, clock);
    const logs = task.learners.map((learner, place) => {
      followSchedules(learner, progress);
      const reducer = together.reducers.at(place);
      const seen = goBackward(learner, batch, progress, { ...how, share, reducer, sync: true });
      clock.in("optimizer", () => {
        learner.adjustGradients?.(progress);
        learner.optimizer.step();
        learner.optimizer.zeroGrad();
      });
      return place === 0 ? seen : prefixed(learner.name, seen);
    });
    clock.in("optimizer", () => task.afterStep?.(progress));
    if (!logged) return null;
    const last: Logs = Object.assign({}, ...logs, task.logs?.(batch));
    const own = meanOf([...early, { logs: last, share }]);
    const all = together.ranks.exchange(own).map((one) => ({ logs: one, share: 1 }));
    return { ...meanOf(all), ...task.logsOfStep?.() };
  });
}

/** Adds the gradients of a micro-batch, the `share` of a batch, to those that are there. */
function gather<Batch>(
  task: Task<Batch>,
  ids: Int32Array,
  progress: Progress,
  how: Omit<Backward, "sync">,
): Part {
  const { clock, logged, share } = how;
  const [learner, ...others] = task.learners;
  // Another learner would look at the same photos after this one's step, when they are gone.
  if (others.length > 0) throw new TypeError("Expected one learner of a task that accumulates, got more.");
  return scope(() => {
    const batch = task.see(ids, progress, clock);
    const logs = goBackward(learner, batch, progress, { ...how, sync: false });
    return { logs: logged ? { ...logs, ...task.logs?.(batch) } : logs, share };
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
  /** The part of the step's photos that the losses are of. */
  readonly share: number;
  readonly reducer: GradientReducer | undefined;
  /** Whether the gradients are averaged with this backward pass. */
  readonly sync: boolean;
}

/** Runs the backward pass of each of a learner's losses, times the share. Returns the means of their logged numbers. */
function goBackward<Batch>(
  learner: Learner<Batch>,
  batch: Batch,
  { step }: Progress,
  { logged, losses, clock, share, reducer, sync }: Backward,
): Logs {
  const turns = learner.losses(batch)[Symbol.iterator]();
  const seen: Part[] = [];
  const turn = (): boolean =>
    scope(() => {
      const next = clock.in("forward", () => turns.next());
      if (next.done === true) return false;
      const { loss, logs } = next.value;
      losses.see(loss, step);
      clock.in("backward", () => {
        reducer?.prepareForBackward({ sync });
        (share === 1 ? loss : loss.mul(share)).backward();
      });
      if (logged) {
        losses.settle();
        seen.push({ logs: { loss: loss.item(), ...logs() }, share });
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

/** The mean of each named number over the parts that have it, by their shares. */
function meanOf(all: readonly Part[]): Logs {
  const names = new Set(all.flatMap(({ logs }) => Object.keys(logs)));
  return Object.fromEntries(
    Array.from(names, (name) => {
      const having = all.filter(({ logs }) => logs[name] !== undefined);
      const total = having.reduce((sum, { share }) => sum + share, 0);
      return [name, having.reduce((sum, { logs, share }) => sum + share * logs[name], 0) / total];
    }),
  );
}

function prefixed(name: string, logs: Logs): Logs {
  return Object.fromEntries(Object.entries(logs).map(([key, value]) => [`${name}.${key}`, value]));
}
