import { nn, optim, scope, type Tensor, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { loadCheckpoint } from "../../src/training/checkpoint.js";
import type { Learner, Task } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";
import { checkpointsIn, failure } from "./plan.js";

/** One number that two players change: the first minimises `0.5 (a + b)^2`, the second maximises it. */
class Tug implements Task<number> {
  readonly a = new Rope(1);
  readonly b = new Rope(2);
  readonly learners: readonly Learner<number>[] = [
    this.player("first", this.a, 1),
    this.player("second", this.b, -1),
  ];

  private player(name: string, rope: Rope, sign: number): Learner<number> {
    const optimizer = new optim.SGD(rope.namedParameters(), { lr: 0 });
    const losses = () => [{ loss: this.pull().mul(sign), logs: () => ({ sign }) }];
    return { name, optimizer, lr: () => (name === "first" ? 0.1 : 0.05), losses };
  }

  /** `[]`; each player trains its own rope, and the gradient of the other is dropped. */
  private pull(): Tensor {
    for (const { optimizer } of this.learners) optimizer.zeroGrad();
    const sum = this.a.value.add(this.b.value);
    return sum.mul(sum).mul(0.5);
  }

  batches(): readonly Int32Array[] {
    return [Int32Array.of(0)];
  }

  see(): number {
    return 0;
  }

  state() {
    return { tensors: { a: this.a.value, b: this.b.value }, counters: {} };
  }

  loadState(): void {}

  [Symbol.dispose](): void {
    for (const { optimizer } of this.learners) optimizer.zeroGrad();
    this.a.dispose();
    this.b.dispose();
  }
}

class Rope extends nn.Module {
  readonly value: Tensor;

  constructor(start: number) {
    super();
    this.value = this.registerParameter("value", tensor(start));
  }

  forward(other: Tensor): Tensor {
    return this.value.add(other);
  }
}

describe("two learners", () => {
  it("make their steps one after the other on a batch, and the second's logs have its name", async () => {
    using task = new Tug();
    const { last } = await train(task, { epochs: 3, logEvery: 1 });
    let [a, b] = [1, 2];
    let losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      losses = [0.5 * (a + b) ** 2];
      a -= 0.1 * (a + b);
      losses.push(-0.5 * (a + b) ** 2);
      b += 0.05 * (a + b);
    }
    const at = scope(() => [task.a.value.item(), task.b.value.item()]);
    for (const [i, value] of [a, b].entries()) expect(at[i]).toBeCloseTo(value, 5);
    expect(last).toEqual({
      loss: expect.closeTo(losses[0], 4),
      sign: 1,
      "second.loss": expect.closeTo(losses[1], 4),
      "second.sign": -1,
    });
  });

  it("are stopped by a loss of the second that is not finite, when the first has made its step", async () => {
    using task = new Tug();
    const [first, second] = task.learners;
    const losses = () => [{ loss: tensor(Number.NaN), logs: () => ({}) }];
    const broken: Task<number> = {
      batches: () => task.batches(),
      see: () => 0,
      learners: [first, { ...second, losses }],
      state: () => task.state(),
      loadState: () => {},
    };
    const { code } = await failure(train(broken, { epochs: 3, logEvery: 1 }));
    expect(code).toBe("loss-not-finite");
    expect(scope(() => task.a.value.item())).toBeCloseTo(1 - 0.1 * 3, 6);
    expect(scope(() => task.b.value.item())).toBe(2);
  });

  it("have separate optimizers in a checkpoint, by name", async () => {
    using task = new Tug();
    const { checkpoint } = await train(task, {
      epochs: 3,
      logEvery: 1,
      checkpoints: await checkpointsIn(),
    });
    using saved = loadCheckpoint(checkpoint ?? "");
    expect(saved.position.optimizerSteps).toEqual({ first: 3, second: 3 });
  });
});
