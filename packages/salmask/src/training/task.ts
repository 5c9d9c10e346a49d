/**
 * The interface of trainable tasks: pre-training, the localization network, a linear probe; later fine-tuning and
 * detection.
 */
import type { nn, optim, Tensor } from "@salmask/torch";
import type { StageClock } from "../base/stage-clock.js";

/** Named numbers; all of them are optional. Shares are 0 to 1. */
export type Logs = Readonly<Record<string, number>>;

/** A loss `[]` for the backward pass. Its logs are read only on logged steps, because reading may wait for the device. */
export interface Loss {
  readonly loss: Tensor;
  /** The numbers of this loss for the log. */
  readonly logs: () => Logs;
}

/** The position of a step in a run. */
export interface Progress {
  /** Counted from 0 over all epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly stepsPerEpoch: number;
  /** A fraction where the run is counted in steps. */
  readonly epochs: number;
}

/** A number that changes over a run. */
export type Schedule = (progress: Progress) => number;

/** The parameters of one optimizer, and the losses that train them. ADIOS has two learners per batch. */
export interface Learner<Batch> {
  /** The name of the optimizer's tensors in a checkpoint. */
  readonly name: string;
  readonly optimizer: optim.Optimizer;
  readonly lr: Schedule;
  /** The learning rates of single groups of parameters, by their places, where they do not follow `lr`. */
  readonly rates?: ReadonlyMap<number, Schedule>;
  /** The optimizer's settings, if they change during the run. */
  readonly momentum?: Schedule;
  readonly weightDecay?: Schedule;
  /** The weight decay of single groups of parameters, where it changes differently or alone. */
  readonly weightDecays?: ReadonlyMap<number, Schedule>;
  /**
   * The losses of a batch. The trainer runs the backward pass of each before it requests the next, so that only one
   * graph is in memory. The gradients add up, and the optimizer makes one step.
   */
  losses(batch: Batch): Iterable<Loss>;
  /** Changes or drops gradients after the backward pass. */
  adjustGradients?(progress: Progress): void;
}

/** The state that a task needs to continue, without the optimizers of its learners. */
export interface TaskState {
  readonly tensors: nn.StateDict;
  readonly counters: Record<string, number>;
}

/** Something that {@link train} can train: its batches, its learners, and the state that a checkpoint holds. */
export interface Task<Batch> {
  /** Photos `[B]` of each step of an epoch; all epochs have the same number of steps. */
  batches(epoch: number): readonly Int32Array[];
  /** In the order of their steps on one batch. */
  readonly learners: readonly Learner<Batch>[];
  /**
   * Micro-batches that a batch is divided into, seen one after another, whose gradients add up to one step; default 1. A task with more
   * has one learner, whose losses are means over photos.
   */
  readonly accumulate?: number;
  /** Called at the start of an epoch, but not when a run is resumed inside an epoch. */
  beforeEpoch?(epoch: number): void;
  /**
   * Resolves when the photos `ids`, `[B]`, can be shown; those of the step after, `next`, may be fetched meanwhile. For tasks whose
   * photos are not in memory.
   */
  fetch?(ids: Int32Array, next: Int32Array | null): Promise<void>;
  /** Shows the photos `ids`, `[B]` of a batch or a micro-batch: views, targets, and what else the learners' losses need. */
  see(ids: Int32Array, progress: Progress, clock: StageClock): Batch;
  /** Called after the steps of all learners. */
  afterStep?(progress: Progress): void;
  /** Numbers of a batch, or of each micro-batch, that do not belong to a single loss. Called on logged steps. */
  logs?(batch: Batch): Logs;
  /** Numbers of the task itself. Called on logged steps, after the step. */
  logsOfStep?(): Logs;
  /** Seconds so far for work that is done once per photo; the estimate of the remaining time excludes them. */
  secondsOnce?(): number;
  /** Numbers that take longer to compute. Called at the end of some epochs. */
  look?(): Logs | Promise<Logs>;
  /** What a checkpoint must hold, without the optimizers. */
  state(): TaskState;
  /** Copies a state into the task, after `steps` steps. */
  loadState(state: TaskState, steps: number): void;
}
