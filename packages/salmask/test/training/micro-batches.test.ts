import { scope, type Tensor, tensor } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { microBatches } from "../../src/training/micro-batches.js";
import type { Learner, Loss, Task } from "../../src/training/task.js";
import { train } from "../../src/training/trainer.js";
import { usual } from "./plan.js";
import { batchSize, Quadratic } from "./quadratic.js";

describe("microBatches", () => {
  it.each([
    [8, 4, [2, 2, 2, 2]],
    [10, 3, [3, 3, 4]],
    [5, 4, [2, 3]],
    [3, 2, [3]],
    [1, 3, [1]],
    [8, 1, [8]],
  ])("divides %i photos by %i into %j, in their order", (count, parts, sizes) => {
    const ids = Int32Array.from({ length: count }, (_, i) => 100 + i);
    const made = microBatches(ids, parts);
    expect(made.map(({ length }) => length)).toEqual(sizes);
    expect(made.flatMap((part) => Array.from(part))).toEqual(Array.from(ids));
  });
});

/** Draws its point to the mean of its photos' numbers, a goal a photo, in two micro-batches. */
function pulled(point: Quadratic, accumulate: number): Task<Tensor> {
  const learner: Learner<Tensor> = {
    name: "point",
    optimizer: point.learners[0].optimizer,
    lr: () => 0.1,
    *losses(numbers): Iterable<Loss> {
      const away = point.point.at.reshape([1, 2]).sub(numbers.reshape([-1, 1])); // [B, 2]
      const loss = away.mul(away).sum([1]).mean(); // []
      yield { loss, logs: () => ({ number: numbers.mean().item() }) };
    },
  };
  return {
    accumulate,
    learners: [learner],
    batches: (epoch) => point.batches(epoch),
    see: (ids) => tensor(Array.from(ids)),
    logs: (numbers) => ({ sum: numbers.sum().item(), photos: numbers.shape[0] }),
    logsOfStep: () => ({ at: point.at[0] }),
    afterStep: (progress) => point.afterStep(progress),
    state: () => point.state(),
    loadState: (state) => point.loadState(state),
  };
}

describe("a task that accumulates gradients", () => {
  it("ends where whole batches end it, steps as often, and logs means over its parts", async () => {
    using whole = new Quadratic({ optimizer: { momentum: 0.9 } });
    using parts = new Quadratic({ optimizer: { momentum: 0.9 } });
    const one = await train(pulled(whole, 1), usual);
    const two = await train(pulled(parts, 2), usual);
    for (const [i, value] of whole.at.entries()) expect(parts.at[i]).toBeCloseTo(value, 5);
    expect(parts.calls).toEqual(whole.calls);
    expect(two.steps).toBe(one.steps);
    expect(two.last).toEqual({
      loss: expect.closeTo(one.last?.loss ?? Number.NaN, 4),
      number: expect.closeTo(one.last?.number ?? Number.NaN, 5),
      sum: expect.closeTo((one.last?.sum ?? Number.NaN) / 2, 5),
      photos: batchSize / 2,
      at: parts.at[0],
    });
  });

  it("has one learner", async () => {
    using point = new Quadratic();
    const task = pulled(point, 2);
    const two = { ...task, learners: [...task.learners, ...task.learners] };
    await expect(train(two, usual)).rejects.toThrow("Expected one learner");
    scope(() => point.learners[0].optimizer.zeroGrad());
  });
});
