/** Trains any task; `train` contains the whole loop. */
import { distributed, scope } from "@salmask/torch";
import { InterruptedError, TrainingError } from "../base/errors.js";
import { type LogEntry, type Report, silent } from "../base/events.js";
import { StageClock } from "../base/stage-clock.js";
import { type Compute, onCpu, ranksOf } from "../compute/compute.js";
import { spareMemory } from "../compute/spare-memory.js";
import { listCheckpoints, saveCheckpoint } from "./checkpoint.js";
import { lossWatch } from "./loss-watch.js";
import type { Checkpoint, Position } from "./position.js";
import { expectTogether, refuseUneven, shareStatistics } from "./share.js";
import { togetherOf, trainStep } from "./step.js";
import type { Logs, Progress, Task } from "./task.js";

/** Where a run's checkpoints are written, and their data about the run in addition to its state. */
export interface Checkpoints {
  readonly folder: string;
  /** Epochs between checkpoints; the last step always has one. */
  readonly every: number;
  /** Number of checkpoints to keep. */
  readonly keep: number;
  /** Called when a checkpoint is written. */
  readonly identity: () => Pick<Position, "dataFingerprint" | "config" | "seconds">;
}

/** Scores the encoder while it is trained. */
export interface KnnScoring {
  /** Epochs between scores, at least 1. */
  readonly every: number;
  /** The share of photos whose class is found, 0 to 1; null where it was stopped. It must not change the task. */
  score(): Promise<number | null>;
}

/** How long {@link train} trains, what it logs, and where it writes checkpoints. */
export interface TrainOptions {
  /** May be a fraction, for a run that is counted in steps: it ends with the nearest step. */
  readonly epochs: number;
  /** Steps that were done before, if the run is resumed. */
  readonly first?: number;
  /** null if the task cannot be resumed after an interruption. */
  readonly checkpoints?: Checkpoints | null;
  /** Steps between logged steps; the last step is always logged. */
  readonly logEvery: number;
  /** Epochs between calls of the task's `look`; 0 means never. */
  readonly lookEvery?: number;
  /** Scores are logged as `knn`. Default: none. */
  readonly knn?: KnnScoring | null;
  readonly compute?: Compute;
  /**
   * Aborting ends the task after the current step with {@link InterruptedError}, and with a checkpoint if it has
   * checkpoints.
   */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** How far a training came. */
export interface Trained {
  /** Over all epochs, including the steps before a resumption. */
  readonly steps: number;
  /** The logs of the last step; null if nothing was left to do. */
  readonly last: Logs | null;
  readonly checkpoint: string | null;
}

/**
 * Trains a task until its last epoch, together with the other ranks of `compute`. On a CPU, the same task, options and number of threads give the same result bit
 * for bit, also if it was interrupted. Throws {@link TrainingError} `loss-not-finite`, `state-not-finite`, `disk-full`.
 */
export async function train<Batch>(task: Task<Batch>, options: TrainOptions): Promise<Trained> {
  const { epochs, first = 0, checkpoints = null, logEvery, lookEvery = 0 } = options;
  const { compute = onCpu, knn = null, signal, report = silent } = options;
  const ranks = ranksOf(compute);
  const epochZero = task.batches(0);
  const stepsPerEpoch = epochZero.length;
  const steps = Math.round(epochs * stepsPerEpoch);
  const begunEpochs = Math.ceil(steps / stepsPerEpoch);
  const isLookedAt = (done: number) => lookEvery > 0 && done % (lookEvery * stepsPerEpoch) === 0;
  const scoresBy = (done: number) => (knn === null ? 0 : Math.floor(done / (knn.every * stepsPerEpoch)));
  const isScored = (done: number) => scoresBy(done) > scoresBy(done - 1);
  const isLogged = (done: number) =>
    done % logEvery === 0 || done === steps || isLookedAt(done) || isScored(done);
  refuseUneven(epochZero[0]?.length ?? 0, ranks);
  expectTogether(ranks, { "first step": first, steps });
  const together = togetherOf(task, ranks);
  const losses = lossWatch(compute);
  let checkpoint = checkpoints === null ? null : (listCheckpoints(checkpoints.folder).at(0) ?? null);
  try {
    let order: readonly Int32Array[] = [];
    let last: Logs | null = null;
    let step = first;
    let speed = { images: 0, seconds: 0, recurring: 0 };
    let scoring = 0;
    report({
      kind: "begin",
      step,
      steps,
      stepsPerEpoch,
      epochs: begunEpochs,
      batchSize: epochZero[0]?.length ?? 0,
    });
    while (step < steps) {
      const began = { at: performance.now(), once: task.secondsOnce?.() ?? 0 };
      const epoch = Math.floor(step / stepsPerEpoch);
      const progress: Progress = { step, epoch, stepsPerEpoch, epochs };
      // If a run is resumed inside an epoch, its checkpoint already contains the result of beforeEpoch.
      if (step % stepsPerEpoch === 0) task.beforeEpoch?.(epoch);
      if (order.length === 0 || step % stepsPerEpoch === 0) order = task.batches(epoch);
      const ids = order[step % stepsPerEpoch];
      const clock = new StageClock();
      // A photo that is being decoded when the process ends makes libvips complain.
      const next = step + 1 < steps ? (order[(step % stepsPerEpoch) + 1] ?? null) : null;
      const own = ranks.slice(ids);
      await clock.inAsync("data", async () => task.fetch?.(own, next === null ? null : ranks.slice(next)));
      const logs = trainStep(task, own, progress, { logged: isLogged(step + 1), losses, clock, together });
      step++;
      if (step % stepsPerEpoch === 0 || step === steps) shareStatistics(task, ranks);
      const seconds = (performance.now() - began.at) / 1000;
      // Work that is done once per photo does not count for the remaining time. Its counter can also restart from 0.
      const recurring = seconds - Math.max(0, (task.secondsOnce?.() ?? 0) - began.once);
      speed.images += ids.length;
      speed.seconds += seconds;
      speed.recurring += recurring;
      if (logs !== null) {
        last = isLookedAt(step) ? { ...logs, ...(await task.look?.()) } : logs;
        const scored = knn !== null && isScored(step) ? await timedScore(knn) : null;
        if (scored !== null) {
          last = { ...last, knn: scored.knn };
          scoring = scored.seconds;
        }
        const imagesPerSecond = speed.images / speed.seconds;
        const left =
          ((steps - step) * ids.length * speed.recurring) / speed.images +
          (scoresBy(steps) - scoresBy(step)) * scoring;
        const entry: LogEntry = {
          step,
          epoch,
          time: new Date().toISOString(),
          lr: task.learners[0].optimizer.lr,
          imagesPerSecond,
          seconds: scored === null ? clock.seconds : { ...clock.seconds, knn: scored.seconds },
          logs: last,
        };
        report({ kind: "log", entry, steps, epochs: begunEpochs, left });
        speed = { images: 0, seconds: 0, recurring: 0 };
      }
      report({ kind: "step", step, steps, seconds: recurring });
      // The step is synchronous; this lets signal handlers and timers run.
      await new Promise(setImmediate);
      const isInterrupted = ranks.some(signal?.aborted === true) && step < steps;
      if (checkpoints !== null) {
        const isDue = step % (checkpoints.every * stepsPerEpoch) === 0 || step === steps;
        if (isInterrupted || isDue) {
          losses.settle();
          if (isInterrupted) shareStatistics(task, ranks);
          checkpoint = await ranks.onFirst(async () => save(task, step, checkpoints));
          report({ kind: "checkpoint", step, path: checkpoint });
          spareMemory();
        }
      }
      if (isInterrupted) throw interrupted(step, steps, checkpoint);
    }
    losses.settle();
    return { steps, last, checkpoint };
  } catch (error) {
    throw withLastGood(error, checkpoint);
  } finally {
    losses.dispose();
    for (const reducer of together.reducers) reducer.dispose();
  }
}

async function timedScore(knn: KnnScoring): Promise<{ knn: number; seconds: number } | null> {
  const start = performance.now();
  const score = await knn.score();
  return score === null ? null : { knn: score, seconds: (performance.now() - start) / 1000 };
}

/** Writes everything that a task needs to continue after `step` steps, on any device. Returns the path of the file. */
function save<Batch>(task: Task<Batch>, step: number, { folder, keep, identity }: Checkpoints): string {
  const { tensors, counters } = task.state();
  const states = task.learners.map(({ name, optimizer }) => ({ name, ...optimizer.stateDict() }));
  const optimizerSteps = Object.fromEntries(states.map(({ name, steps }) => [name, steps]));
  const optimizers = Object.fromEntries(states.map((state) => [state.name, state.tensors]));
  return saveCheckpoint(
    folder,
    { position: { ...identity(), step, counters, optimizerSteps }, task: tensors, optimizers },
    keep,
  );
}

/** Copies a checkpoint into a task. Returns the number of completed steps. */
export function restore<Batch>(
  task: Task<Batch>,
  { position, task: tensors, optimizers }: Checkpoint,
): number {
  const { step, counters, optimizerSteps } = position;
  scope(() => {
    task.loadState({ tensors, counters }, step);
    for (const { name, optimizer } of task.learners)
      optimizer.loadStateDict({ steps: optimizerSteps[name] ?? 0, tensors: optimizers[name] ?? {} });
  });
  return step;
}

function interrupted(step: number, steps: number, checkpoint: string | null): InterruptedError {
  return new InterruptedError(
    checkpoint === null
      ? `Stopped after step ${step} of ${steps}; nothing was written. The same command starts anew.`
      : `Stopped after step ${step} of ${steps}; a checkpoint was written: ${checkpoint}. ` +
          "Run the same command with --resume to go on.",
  );
}

/** Adds the newest checkpoint to an error about ranks that are missing, or about a number that is not finite. */
function withLastGood(error: unknown, checkpoint: string | null): unknown {
  if (error instanceof distributed.DistributedError) {
    const last =
      checkpoint === null
        ? "No checkpoint was written yet."
        : `The last checkpoint is ${checkpoint}. Run the same command with --resume to go on.`;
    return new TrainingError(error.code, `${error.message} ${last}`, error);
  }
  if (!(error instanceof TrainingError) || !error.code.endsWith("-not-finite")) return error;
  const last =
    checkpoint === null ? "No checkpoint was written yet." : `The last good checkpoint is ${checkpoint}.`;
  return new TrainingError(
    error.code,
    `${error.message} ${last} A smaller learning rate is the usual remedy.`,
    error,
  );
}
