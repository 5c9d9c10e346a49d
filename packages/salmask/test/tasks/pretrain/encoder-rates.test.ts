import { scope } from "@salmask/torch";
import { describe, expect, it } from "vitest";
import { onCpu } from "../../../src/compute/compute.js";
import { configSchema } from "../../../src/config/schema.js";
import { builtInMethods } from "../../../src/ssl/registry.js";
import { encoderRates } from "../../../src/tasks/pretrain/encoder-rates.js";
import { chosenOptimizer } from "../../../src/training/optimizer.js";

/** The share of the highest rate that each group has in the middle of a run, and the numbers of dimensions of its parameters. */
function groupsOf(method: object, optimizer?: string): { rate: number; dimensions: number[] }[] {
  const config = configSchema.parse({
    method: { dim: 4, hidden: 8, ...method },
    model: { arch: "resnet18", width: 4 },
    train: { optimizer, lr: 2, epochs: 100, lrWarmupEpochs: 0 },
  });
  const made = builtInMethods.create(config, onCpu);
  try {
    return scope(() => {
      const chosen = chosenOptimizer(config.train, builtInMethods.optimizer(config));
      const { optimizer: used, lr, rates } = encoderRates(config.train, made, chosen);
      const { paramGroups } = used;
      used.dispose();
      const middle = { step: 500, epoch: 50, stepsPerEpoch: 10, epochs: 100 };
      expect(paramGroups.flatMap(({ params }) => params).length).toBe(
        Array.from(made.learned.parameters()).length,
      );
      return paramGroups.map(({ params }, place) => ({
        rate: (rates?.get(place) ?? lr)(middle) / 2,
        dimensions: Array.from(new Set(params.map(({ ndim }) => ndim))).toSorted(),
      }));
    });
  } finally {
    made.dispose();
  }
}

describe("encoderRates", () => {
  it("gives all parameters of most methods the scheduled rate", () => {
    expect(groupsOf({ name: "mocov2" })).toEqual([{ rate: expect.closeTo(0.5, 10), dimensions: [1, 2, 4] }]);
  });

  it("leaves SimSiam's predictor at the highest rate", () => {
    expect(groupsOf({ name: "simsiam", predictorHidden: 4 })).toEqual([
      { rate: expect.closeTo(0.5, 10), dimensions: [1, 2, 4] },
      { rate: 1, dimensions: [1, 2] },
    ]);
  });

  it("gives biases and norms of Barlow Twins 0.0048 where weights have 0.2, with the paper's optimizer", () => {
    expect(groupsOf({ name: "barlow" })).toEqual([
      { rate: expect.closeTo(0.5, 10), dimensions: [2, 4] },
      { rate: expect.closeTo((0.5 * 0.0048) / 0.2, 10), dimensions: [1] },
    ]);
    expect(groupsOf({ name: "barlow" }, "sgd")).toHaveLength(1);
  });
});
