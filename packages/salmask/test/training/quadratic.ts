/** A task whose result can be computed by hand. */
import { KeyedRandom, nn, optim, scope, type Tensor, tensor } from "@salmask/torch";
import type { Learner, Logs, Loss, Progress, Task, TaskState } from "../../src/training/task.js";

/** A single weight `[2]`. */
class Point extends nn.Module {
  readonly at: Tensor;

  constructor(start: readonly number[]) {
    super();
    this.at = this.registerParameter("at", tensor([...start]));
  }

  forward(goal: Tensor): Tensor {
    return this.at.sub(goal); // [2]
  }
}

/** The target of the weight in a batch, `[2]`, and the step. */
export interface Goal {
  readonly goal: Tensor;
  readonly progress: Progress;
}

export interface QuadraticOptions {
  readonly start?: readonly number[];
  readonly optimizer?: { readonly momentum?: number; readonly weightDecay?: number };
  /** Overrides parts of the only learner; its default rate is 0.1 at every step. */
  readonly learner?: Partial<Pick<Learner<Goal>, "lr" | "momentum" | "weightDecay" | "losses">>;
  /** Whether each batch has a different goal, from its photos; otherwise the goal is always `goal`. */
  readonly wanders?: boolean;
  /** The step from which the loss is NaN. */
  readonly failsFrom?: number;
}

export const goal = [1, -2] as const;
/** How steep the loss is in each direction: `0.5 * steepness * (at - goal)^2`. */
export const steepness = [1, 4] as const;
export const photos = 12;
export const batchSize = 4;

/** Half the squared distance from a goal, in a space that is steeper in one direction. Three steps per epoch. */
export class Quadratic implements Task<Goal> {
  readonly point: Point;
  readonly learners: readonly Learner<Goal>[];
  /** Number of photos so far, a number of the task's state. */
  seen = 0;
  /** The calls from the trainer, in order. */
  readonly calls: string[] = [];

  constructor(private readonly options: QuadraticOptions = {}) {
    const { start = [0, 0], optimizer = {}, learner = {} } = options;
    this.point = new Point(start);
    const { lr = () => 0.1, losses = (batch: Goal) => this.losses(batch), ...schedules } = learner;
    const sgd = new optim.SGD(this.point.namedParameters(), { lr: 0, ...optimizer });
    this.learners = [{ name: "point", optimizer: sgd, lr, losses, ...schedules }];
  }

  /** The weight's two numbers. */
  get at(): number[] {
    return scope(() => this.point.at.toArray());
  }

  batches(epoch: number): readonly Int32Array[] {
    const order = new KeyedRandom(5, epoch).permutation(photos);
    return Array.from({ length: photos / batchSize }, (_, i) =>
      order.subarray(i * batchSize, (i + 1) * batchSize),
    );
  }

  beforeEpoch(epoch: number): void {
    this.calls.push(`epoch ${epoch}`);
  }

  see(ids: Int32Array, progress: Progress): Goal {
    this.seen += ids.length;
    const wander = this.options.wanders === true ? Math.sin(ids[0] + 0.1 * this.seen) : 0;
    return { goal: tensor(goal.map((value) => value + wander)), progress };
  }

  *losses({ goal, progress }: Goal): Iterable<Loss> {
    const { failsFrom = Number.POSITIVE_INFINITY } = this.options;
    const distance = this.distance(goal); // []
    const loss = progress.step < failsFrom ? distance : distance.mul(Number.NaN); // []
    yield { loss, logs: () => ({ size: Math.hypot(...this.at) }) };
  }

  /** `[]` */
  distance(goal: Tensor): Tensor {
    const away = this.point.forward(goal); // [2]
    return away
      .mul(away)
      .mul(tensor([...steepness]))
      .sum()
      .mul(0.5);
  }

  afterStep({ step }: Progress): void {
    this.calls.push(`step ${step}`);
  }

  look(): Logs {
    return { looked: this.seen };
  }

  state(): TaskState {
    return { tensors: this.point.stateDict(), counters: { seen: this.seen } };
  }

  loadState({ tensors, counters }: TaskState): void {
    this.point.loadStateDict(tensors);
    this.seen = counters.seen;
  }

  [Symbol.dispose](): void {
    for (const { optimizer } of this.learners) {
      optimizer.zeroGrad();
      optimizer.dispose();
    }
    this.point.dispose();
  }
}
