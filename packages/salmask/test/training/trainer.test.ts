import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/base/events.js";
import type { Progress } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";
import { epochs, steps, stepsPerEpoch, usual } from "./plan.js";
import { batchSize, goal, Quadratic, steepness } from "./quadratic.js";

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

  it("ends within an epoch where the run is counted in steps", async () => {
    using task = new Quadratic();
    const fetched: (number | null)[] = [];
    const fetching = Object.assign(task, {
      async fetch(_: Int32Array, next: Int32Array | null) {
        fetched.push(next === null ? null : next.length);
      },
    });
    const events: RunEvent[] = [];
    const { steps: done } = await train(fetching, {
      ...usual,
      epochs: 7 / stepsPerEpoch,
      report: (event) => events.push(event),
    });
    expect(done).toBe(7);
    // Nothing is fetched beyond an epoch or the end.
    const two = [batchSize, batchSize, null];
    expect(fetched).toEqual([...two, ...two, null]);
    expect(events[0]).toMatchObject({ kind: "begin", steps: 7, epochs: 3 });
    for (const [i, value] of afterSteps(7, 0.1).entries()) expect(task.at[i]).toBeCloseTo(value, 5);
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
