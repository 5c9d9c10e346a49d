import { describe, expect, it } from "vitest";
import { configSchema, type RunConfig } from "../../src/config/schema.js";
import { builtInMethods } from "../../src/ssl/registry.js";
import { chosenOptimizer, highestRate, learningRate } from "../../src/training/optimizer.js";

const config = (given: object) => configSchema.parse(given);

const optimizerFor = (config: RunConfig) => chosenOptimizer(config.train, builtInMethods.optimizer(config));

const highest = (config: RunConfig) => highestRate(config.train, optimizerFor(config));

/** The learning rate of a step, counted from 0 over all epochs. */
function rateAt(config: RunConfig, step: number, stepsPerEpoch: number): number {
  const { epochs } = config.train;
  const epoch = Math.floor(step / stepsPerEpoch);
  return learningRate(config.train, optimizerFor(config))({ step, epoch, stepsPerEpoch, epochs });
}

describe("the learning rate", () => {
  it("is MoCo's for SGD and larger for LARS, in proportion to the batch", () => {
    expect(highest(config({ train: { batchSize: 128 } }))).toBeCloseTo(0.015, 10);
    expect(highest(config({ method: { name: "simclr" }, train: { batchSize: 512 } }))).toBeCloseTo(0.6, 10);
    expect(highest(config({ train: { optimizer: "lars", batchSize: 256 } }))).toBeCloseTo(0.3, 10);
    expect(highest(config({ method: { name: "simclr" }, train: { lr: 1 } }))).toBe(1);
  });

  it("follows the cosine once per epoch, without a warm-up unless one is set", () => {
    const plain = config({ train: { lr: 2, epochs: 4 } });
    const at = (step: number) => rateAt(plain, step, 10);
    expect([at(0), at(9), at(10), at(25), at(39)]).toEqual([
      2,
      2,
      1 + Math.SQRT1_2 * 1,
      expect.closeTo(1, 10),
      expect.closeTo(1 - Math.SQRT1_2, 10),
    ]);
  });

  it("rises linearly to its highest value over the warm-up, then falls over the rest", () => {
    const warm = config({ train: { lr: 2, epochs: 6, lrWarmupEpochs: 2 } });
    const at = (step: number) => rateAt(warm, step, 10);
    expect([at(0), at(9), at(19), at(20), at(40)]).toEqual([
      expect.closeTo(0.1, 10),
      expect.closeTo(1, 10),
      expect.closeTo(2, 10),
      2,
      expect.closeTo(1, 10),
    ]);
  });

  it("has a warm-up of ten epochs for LARS, but never over more than a tenth of the run", () => {
    const first = (epochs: number) =>
      rateAt(config({ method: { name: "simclr" }, train: { lr: 1, epochs } }), 0, 10);
    expect(first(200)).toBeCloseTo(1 / 100, 10);
    expect(first(20)).toBeCloseTo(1 / 20, 10);
    expect(first(5)).toBe(1);
  });
});
