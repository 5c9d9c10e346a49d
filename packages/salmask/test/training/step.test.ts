import { scope, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { StageClock } from "../../src/base/stage-clock.js";
import { onCpu } from "../../src/compute/compute.js";
import { lossWatch } from "../../src/training/loss-watch.js";
import { trainStep } from "../../src/training/step.js";
import type { Loss } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";
import { epochs, failure, stepsPerEpoch, usual } from "./plan.js";
import { type Goal, Quadratic } from "./quadratic.js";

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
