import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { nn, optim, scope, type Tensor, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { SalmaskError, TrainingError } from "../../src/base/errors.js";
import type { RunEvent } from "../../src/base/events.js";
import { StageClock } from "../../src/base/stage-clock.js";
import { onCpu } from "../../src/compute/compute.js";
import { listCheckpoints, loadCheckpoint } from "../../src/training/checkpoint.js";
import { lossWatch } from "../../src/training/loss-watch.js";
import { trainStep } from "../../src/training/step.js";
import type { Learner, Loss, Progress, Task } from "../../src/training/task.js";
import { type Checkpoints, restore, type TrainOptions, train } from "../../src/training/trainer.js";
import { temporaryFolder } from "../support/photos.js";
import { batchSize, type Goal, goal, Quadratic, type QuadraticOptions, steepness } from "./quadratic.js";

const epochs = 4;
const stepsPerEpoch = 3;
const steps = epochs * stepsPerEpoch;

const usual: TrainOptions = { epochs, logEvery: 1 };

async function checkpointsIn(folder?: string): Promise<Checkpoints> {
  const identity = () => ({ dataFingerprint: "photos", config: { seed: 1 }, seconds: 2 });
  return { folder: folder ?? (await temporaryFolder()), every: 1, keep: 9, identity };
}

/** The error that ends the training. */
async function failure(training: Promise<unknown>): Promise<SalmaskError> {
  const error: unknown = await training.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof SalmaskError) return error;
  throw new Error(`expected training to fail, got ${error}`);
}

/** The weight after `n` steps of SGD with a constant rate: each direction is a geometric sequence. */
const afterSteps = (n: number, lr: number) =>
  goal.map((value, i) => value - value * (1 - lr * steepness[i]) ** n);

describe("the trainer", () => {
  it("minimises a quadratic as the closed form says", async () => {
    using task = new Quadratic();
    const { steps: done, last, checkpoint } = await train(task, usual);
    expect({ done, checkpoint }).toEqual({ done: steps, checkpoint: null });
    for (const [i, value] of afterSteps(steps, 0.1).entries()) expect(task.at[i]).toBeCloseTo(value, 5);
    // The loss of the last step is that of its start.
    const before = afterSteps(steps - 1, 0.1);
    const loss = before.reduce((sum, at, i) => sum + 0.5 * steepness[i] * (at - goal[i]) ** 2, 0);
    expect(last?.loss).toBeCloseTo(loss, 5);
  });

  it("calls a task at the start of an epoch and at the end of a step, in order", async () => {
    using task = new Quadratic();
    await train(task, { ...usual, epochs: 2 });
    expect(task.calls).toEqual([
      ...["epoch 0", "step 0", "step 1", "step 2"],
      ...["epoch 1", "step 3", "step 4", "step 5"],
    ]);
  });

  it("fetches a step's photos before it shows them, and says which come next in the epoch", async () => {
    using task = new Quadratic();
    const fetched: (number[] | null)[][] = [];
    const fetch = async (ids: Int32Array, next: Int32Array | null) => {
      await new Promise(setImmediate);
      task.calls.push("fetched");
      fetched.push([Array.from(ids), next === null ? null : Array.from(next)]);
    };
    await train(Object.assign(task, { fetch }), { epochs: 2, logEvery: 100 });
    const order = [0, 1].map((epoch) => task.batches(epoch).map((ids) => Array.from(ids)));
    expect(fetched).toEqual(
      order.flatMap((epoch) => epoch.map((ids, place) => [ids, epoch[place + 1] ?? null])),
    );
    expect(task.calls.slice(0, 5)).toEqual(["epoch 0", "fetched", "step 0", "fetched", "step 1"]);
  });

  it("gives the optimizer the rate, the momentum and the weight decay of each step", async () => {
    const learner = {
      lr: ({ step }: Progress) => 0.1 / (1 + step),
      momentum: ({ step }: Progress) => 0.5 + 0.03 * step,
      weightDecay: ({ epoch, epochs }: Progress) => 0.1 * (epoch / epochs),
    };
    using task = new Quadratic({ optimizer: { momentum: 0.9, weightDecay: 0.5 }, learner });
    await train(task, usual);
    const at = [0, 0];
    const velocity = [0, 0];
    for (let step = 0; step < steps; step++) {
      const decay = 0.1 * (Math.floor(step / stepsPerEpoch) / epochs);
      for (const i of [0, 1]) {
        const gradient = steepness[i] * (at[i] - goal[i]) + decay * at[i];
        velocity[i] = (0.5 + 0.03 * step) * velocity[i] + gradient;
        at[i] -= (0.1 / (1 + step)) * velocity[i];
      }
    }
    for (const i of [0, 1]) expect(task.at[i]).toBeCloseTo(at[i], 4);
  });

  it("keeps the optimizer's own momentum and weight decay if there is no schedule", async () => {
    using task = new Quadratic({ optimizer: { momentum: 0.7, weightDecay: 0.2 } });
    await train(task, usual);
    const [group] = task.learners[0].optimizer.paramGroups;
    expect(group).toMatchObject({ lr: 0.1, momentum: 0.7, weightDecay: 0.2 });
  });
});

describe("a learner's losses", () => {
  it("have separate backward passes, add up, and make one step", () => {
    const seen: string[] = [];
    using task: Quadratic = new Quadratic({
      learner: {
        *losses({ goal }: Goal): Iterable<Loss> {
          const gradient = () => scope(() => task.point.at.grad?.toArray() ?? null);
          for (const weight of [1, 2]) {
            seen.push(`before ${weight}: ${gradient()}`);
            yield { loss: task.distance(goal).mul(weight), logs: () => ({ weight }) };
            seen.push(`after ${weight}: ${gradient()}`);
          }
        },
      },
    });
    const losses = lossWatch(onCpu);
    const progress = { step: 0, epoch: 0, stepsPerEpoch, epochs };
    const logs = trainStep(task, task.batches(0)[0], progress, { logged: true, losses });
    // From 0 the gradient is -steepness * goal = -1 and 8.
    expect(seen).toEqual(["before 1: null", "after 1: -1,8", "before 2: -1,8", "after 2: -3,24"]);
    for (const [i, value] of [0.3, -2.4].entries()) expect(task.at[i]).toBeCloseTo(value, 5);
    expect(logs).toEqual({ loss: expect.closeTo((8.5 + 17) / 2, 4), weight: 1.5 });
  });

  it("end after an unusable one: the learner's resources are released, and the error is thrown", async () => {
    const calls: string[] = [];
    using task = new Quadratic({
      learner: {
        *losses(): Iterable<Loss> {
          try {
            calls.push("asked");
            yield { loss: tensor(Number.NaN), logs: () => ({}) };
            calls.push("asked again");
          } finally {
            calls.push("released");
          }
        },
      },
    });
    const error = await failure(train(task, usual));
    expect(error.code).toBe("loss-not-finite");
    expect(calls).toEqual(["asked", "released"]);
  });

  it("can be none: no weight changes, and nothing is logged", async () => {
    using task = new Quadratic({ learner: { losses: () => [] } });
    const { last } = await train(task, usual);
    expect(last).toEqual({});
    expect(task.at).toEqual([0, 0]);
  });
});

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

describe("what a trainer reports", () => {
  const options = { ...usual, epochs: 2, logEvery: 2, lookEvery: 1 };

  it("is the start, each step, some logs before their steps, and each checkpoint after its step", async () => {
    using task = new Quadratic();
    const events: string[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "log") events.push(`log ${event.entry.step}`);
      else if (event.kind === "step" || event.kind === "checkpoint")
        events.push(`${event.kind} ${event.step}`);
      else events.push(event.kind);
    };
    await train(task, { ...options, checkpoints: await checkpointsIn(), report });
    expect(events).toEqual([
      ...["begin", "step 1", "log 2", "step 2", "log 3", "step 3", "checkpoint 3"],
      ...["log 4", "step 4", "step 5", "log 6", "step 6", "checkpoint 6"],
    ]);
  });

  it("includes the plan, and the step from which it continues", async () => {
    using task = new Quadratic();
    const begun: RunEvent[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "begin") begun.push(event);
    };
    await train(task, { ...usual, first: 5, report });
    expect(begun).toEqual([{ kind: "begin", step: 5, steps, stepsPerEpoch, epochs, batchSize }]);
  });

  it("includes the remaining seconds, estimated from the speed since the last log entry", async () => {
    using task = new Quadratic();
    const logged: Extract<RunEvent, { kind: "log" }>[] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "log") logged.push(event);
    };
    const began = performance.now();
    await train(task, { ...options, epochs, report });
    const seconds = (performance.now() - began) / 1000;
    expect(logged.map(({ entry }) => entry.step)).toEqual([2, 3, 4, 6, 8, 9, 10, 12]);
    for (const { entry, left } of logged) {
      expect(entry.imagesPerSecond).toBeGreaterThan(0);
      expect(left * entry.imagesPerSecond).toBeCloseTo((steps - entry.step) * batchSize, 6);
    }
    expect(logged.at(-1)?.left).toBe(0);
    // The times of the log entries add up to at most the duration of the run.
    const photosOf = logged.map(
      ({ entry }, i) => batchSize * (entry.step - (logged[i - 1]?.entry.step ?? 0)),
    );
    const spent = logged.reduce((sum, { entry }, i) => sum + photosOf[i] / entry.imagesPerSecond, 0);
    expect(spent).toBeLessThan(seconds);
    expect(spent).toBeGreaterThan(0.2 * seconds);
  });

  it("includes the numbers of the loss on each logged step, and those of `look` at the end of an epoch", async () => {
    using task = new Quadratic();
    const logged = new Map<number, string[]>();
    const report = (event: RunEvent) => {
      if (event.kind === "log") logged.set(event.entry.step, Object.keys(event.entry.logs));
    };
    await train(task, { ...options, report });
    expect(Object.fromEntries(logged)).toEqual({
      2: ["loss", "size"],
      3: ["loss", "size", "looked"],
      4: ["loss", "size"],
      6: ["loss", "size", "looked"],
    });
  });
});

describe("a run that is interrupted", () => {
  const wandering: QuadraticOptions = { optimizer: { momentum: 0.9 }, wanders: true };

  /** Aborts as soon as the step is done. */
  function abortAt(step: number): Pick<TrainOptions, "signal" | "report"> {
    const abort = new AbortController();
    const report = (event: RunEvent) => {
      if (event.kind === "step" && event.step === step) abort.abort();
    };
    return { signal: abort.signal, report };
  }

  it.each(Array.from({ length: steps - 1 }, (_, i) => i + 1))(
    "writes a checkpoint after step %i, and ends where it would have",
    async (cut) => {
      using whole = new Quadratic(wandering);
      const { last } = await train(whole, usual);
      const checkpoints = await checkpointsIn();
      using first = new Quadratic(wandering);
      const error = await failure(train(first, { ...usual, checkpoints, ...abortAt(cut) }));
      const [path] = listCheckpoints(checkpoints.folder);
      expect(error).toMatchObject({ code: "interrupted", exitCode: 130 });
      expect(error.message).toContain(`step ${cut} of ${steps}`);
      expect(error.message).toContain(path);

      using second = new Quadratic({ ...wandering, start: [7, 7] });
      using checkpoint = loadCheckpoint(path);
      const resumed = restore(second, checkpoint);
      expect(resumed).toBe(cut);
      expect(checkpoint.position).toMatchObject({
        dataFingerprint: "photos",
        config: { seed: 1 },
        seconds: 2,
      });
      const end = await train(second, { ...usual, first: resumed, checkpoints });
      expect(second.at).toEqual(whole.at);
      expect(end).toMatchObject({ steps, last });
      const velocities = [whole, second].map(({ learners }) =>
        scope(() => learners[0].optimizer.stateDict().tensors["at.momentum_buffer"].toArray()),
      );
      expect(velocities[1]).toEqual(velocities[0]);
      // An epoch that had already begun does not begin again.
      const epochsBegun = second.calls.filter((call) => call.startsWith("epoch"));
      expect(epochsBegun).toHaveLength(epochs - Math.ceil(cut / stepsPerEpoch));
    },
  );

  it("says that nothing was written if it has no checkpoints", async () => {
    using task = new Quadratic();
    const error = await failure(train(task, { ...usual, ...abortAt(4) }));
    expect(error.code).toBe("interrupted");
    expect(error.message).toBe(
      "Stopped after step 4 of 12; nothing was written. The same command starts anew.",
    );
  });

  it("succeeds if the last step is already done", async () => {
    using task = new Quadratic();
    expect((await train(task, { ...usual, ...abortAt(steps) })).steps).toBe(steps);
  });
});

describe("a run that diverges", () => {
  it("throws before a weight changes, with the step and the information that there is no checkpoint", async () => {
    using task = new Quadratic({ failsFrom: 2 });
    const at: number[][] = [];
    const report = (event: RunEvent) => {
      if (event.kind === "step") at.push(task.at);
    };
    const error = await failure(train(task, { ...usual, checkpoints: await checkpointsIn(), report }));
    expect(error.code).toBe("loss-not-finite");
    expect(error.message).toContain("The loss of step 2 is NaN");
    expect(error.message).toContain("No checkpoint was written yet.");
    expect(at).toHaveLength(2);
    expect(task.at).toEqual(at[1]);
  });

  it("does not change its last checkpoint, and names it", async () => {
    const checkpoints = await checkpointsIn();
    using task = new Quadratic({ failsFrom: 7 });
    const bytes = new Map<string, Buffer>();
    const report = (event: RunEvent) => {
      if (event.kind === "checkpoint") bytes.set(event.path, readFileSync(event.path));
    };
    const error = await failure(train(task, { ...usual, checkpoints, report }));
    const [newest] = listCheckpoints(checkpoints.folder);
    expect(newest).toMatch(/step-000000006/);
    expect(error.message).toContain(`The last good checkpoint is ${newest}.`);
    expect(readFileSync(newest).equals(bytes.get(newest) ?? Buffer.alloc(0))).toBe(true);
    using checkpoint = loadCheckpoint(newest);
    expect(checkpoint.position.step).toBe(6);
  });

  it("names the checkpoint that an earlier process wrote", async () => {
    const checkpoints = await checkpointsIn();
    using good = new Quadratic();
    await train(good, { ...usual, epochs: 1, checkpoints });
    const [earlier] = listCheckpoints(checkpoints.folder);
    using task = new Quadratic({ failsFrom: 4 });
    const error = await failure(train(task, { ...usual, first: 3, checkpoints }));
    expect(error.message).toContain(`The last good checkpoint is ${earlier}.`);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("never writes a state with %s", async (value) => {
    const checkpoints = await checkpointsIn();
    using task = new Quadratic({ learner: { lr: ({ step }) => (step === 5 ? value : 0.1) } });
    const error = await failure(train(task, { ...usual, checkpoints }));
    expect(error).toBeInstanceOf(TrainingError);
    expect(error.code).toBe("state-not-finite");
    expect(error.message).toContain("at after step 6");
    const names = await readdir(checkpoints.folder);
    expect(names).toEqual(["step-000000003.safetensors"]);
    expect(error.message).toContain(`The last good checkpoint is ${checkpoints.folder}/${names[0]}`);
  });
});

describe("a step's clock", () => {
  it("counts the time in a learner's generator as forward, and the rest as backward and optimizer", () => {
    using task = new Quadratic();
    const clock = new StageClock();
    const losses = lossWatch(onCpu);
    const progress = { step: 0, epoch: 0, stepsPerEpoch, epochs };
    expect(trainStep(task, task.batches(0)[0], progress, { logged: false, losses, clock })).toBeNull();
    const { forward, backward, optimizer, data } = clock.seconds;
    for (const seconds of [forward, backward, optimizer]) expect(seconds).toBeGreaterThan(0);
    expect(data).toBe(0);
  });
});
