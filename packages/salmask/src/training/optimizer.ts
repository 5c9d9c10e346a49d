/** How a run's weights move: the optimiser and the learning rate that its configuration means. */
import { type nn, optim } from "@salmask/torch";
import type { RunConfig } from "../config/schema.js";

type OptimizerName = NonNullable<RunConfig["train"]["optimizer"]>;

/** SimCLR is trained with LARS, MoCo v2 with SGD, where the configuration does not say. */
function nameOf({ train, method }: RunConfig): OptimizerName {
  return train.optimizer ?? (method.name === "simclr" ? "lars" : "sgd");
}

/** For a batch of 256: MoCo v2's own for SGD (the paper, section 4.1), solo-learn's on ImageNet-100 for LARS. */
const learningRates: Record<OptimizerName, number> = { sgd: 0.03, lars: 0.3 };

/** An optimiser without momentum yet, and a learning rate of 0. The caller frees it. */
export function optimizerOf(config: RunConfig, learned: nn.Module): optim.Optimizer {
  const { momentum, weightDecay } = config.train;
  const options = { lr: 0, momentum, weightDecay };
  switch (nameOf(config)) {
    case "sgd":
      return new optim.SGD(learned.namedParameters(), options);
    case "lars":
      return new optim.LARS(learned.namedParameters(), options);
  }
}

/** The highest learning rate of the run: what the configuration says, or the optimiser's own, scaled by the batch. */
export function learningRate(config: RunConfig): number {
  return config.train.lr ?? (learningRates[nameOf(config)] * config.train.batchSize) / 256;
}

/**
 * The learning rate of a step, counted from 0: it rises a step at a time over the warm-up, then falls along a cosine, an
 * epoch at a time as in the paper's code.
 */
export function learningRateAt(config: RunConfig, step: number, stepsPerEpoch: number): number {
  const { epochs, lrWarmupEpochs } = config.train;
  const usual = nameOf(config) === "lars" ? Math.min(10, Math.floor(epochs / 10)) : 0;
  const warmUp = lrWarmupEpochs ?? usual;
  const epoch = Math.floor(step / stepsPerEpoch);
  const schedule = optim.warmUp(warmUp, optim.cosine(learningRate(config), epochs - warmUp));
  return schedule(epoch < warmUp ? (step + 1) / stepsPerEpoch : epoch);
}

/** Of ADIOS's occlusion model for a batch of 128 (Shi et al. 2022, ImageNet-100). */
const occlusionRate = 0.5;

/** The occlusion model's learning rate of a step: its own highest one, on the encoder's schedule. */
export function occlusionRateAt(config: RunConfig, step: number, stepsPerEpoch: number): number {
  const { occlusion, train } = config;
  if (occlusion.name === "none") return 0;
  const highest = occlusion.lr ?? (occlusionRate * train.batchSize) / 128;
  return highest * (learningRateAt(config, step, stepsPerEpoch) / learningRate(config));
}
