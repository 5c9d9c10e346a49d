/** What can be trained: pre-training, the localization network, a linear probe; later fine-tuning and detection. */
import type { nn, optim, Tensor } from "@salmask/torch";
import type { StageClock } from "../base/stage-clock.js";

/** Named numbers, none of them obligatory. Shares are 0 to 1. */
export type Logs = Readonly<Record<string, number>>;

/** A loss `[]` to go backward from. Its logs are asked for on logged steps alone: to ask may be to wait for the device. */
export interface Loss {
  readonly loss: Tensor;
  readonly logs: () => Logs;
}

/** Where in a run a step is. */
export interface Progress {
  /** From 0, over all epochs. */
  readonly step: number;
  readonly epoch: number;
  readonly stepsPerEpoch: number;
  readonly epochs: number;
}

/** A number that changes over a run. */
export type Schedule = (progress: Progress) => number;

/** Parameters that one optimizer moves, and the losses that move them. ADIOS has two on one batch. */
export interface Learner<Batch> {
  /** Names the optimizer's tensors in a checkpoint. */
  readonly name: string;
  readonly optimizer: optim.Optimizer;
  readonly lr: Schedule;
  /** Of the optimizer, where it changes over the run. */
  readonly momentum?: Schedule;
  readonly weightDecay?: Schedule;
  /**
   * The losses of a batch. The trainer goes backward from each before it asks for the next, so that only one graph is held;
   * their gradients add up, and the optimizer makes one step.
   */
  losses(batch: Batch): Iterable<Loss>;
}

/** What a task needs to go on, beside its learners' optimizers. */
export interface TaskState {
  readonly tensors: nn.StateDict;
  readonly counters: Record<string, number>;
}

export interface Task<Batch> {
  /** Photos `[B]` of each step of an epoch; each epoch has as many steps. */
  batches(epoch: number): readonly Int32Array[];
  /** In the order in which they move on one batch. */
  readonly learners: readonly Learner<Batch>[];
  /** Called where an epoch begins, but not where a run is resumed within one. */
  beforeEpoch?(epoch: number): void;
  /** Shows the photos `ids` [B]: views, targets, and what else the learners' losses need. */
  see(ids: Int32Array, progress: Progress, clock: StageClock): Batch;
  /** After all learners have moved. */
  afterStep?(progress: Progress): void;
  /** Numbers of a batch that no single loss has; asked for on logged steps, after the step. */
  logs?(batch: Batch): Logs;
  /** Seconds that went, so far, into what is done once per photo: the time left is not told from them. */
  secondsOnce?(): number;
  /** Numbers that take longer to find out; asked for at the ends of some epochs. */
  look?(): Logs;
  state(): TaskState;
  /** Copies a state in, after `steps` steps. */
  loadState(state: TaskState, steps: number): void;
}
