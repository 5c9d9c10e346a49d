/** How weights move: the optimizer and the learning rate that the settings mean. */
import { type nn, optim } from "@salmask/torch";
import type { TrainSettings } from "./settings.js";
import type { Progress, Schedule } from "./task.js";

/** The settings that say how weights move. */
export type OptimizerSettings = Pick<
  TrainSettings,
  "epochs" | "batchSize" | "lr" | "optimizer" | "lrWarmupEpochs" | "weightDecay" | "momentum"
>;

export type OptimizerName = NonNullable<OptimizerSettings["optimizer"]>;

/** For a batch of 256: MoCo v2's own for SGD (the paper, section 4.1), solo-learn's on ImageNet-100 for LARS. */
const learningRates: Record<OptimizerName, number> = { sgd: 0.03, lars: 0.3 };

/** An optimizer without momentum yet, and a learning rate of 0. The caller frees it. */
export function optimizerOf(
  { momentum, weightDecay }: OptimizerSettings,
  name: OptimizerName,
  learned: nn.Module,
): optim.Optimizer {
  const options = { lr: 0, momentum, weightDecay };
  switch (name) {
    case "sgd":
      return new optim.SGD(learned.namedParameters(), options);
    case "lars":
      return new optim.LARS(learned.namedParameters(), options);
  }
}

/** The highest learning rate: what the settings say, or the optimizer's own, scaled by the batch. */
export function highestRate({ lr, batchSize }: OptimizerSettings, name: OptimizerName): number {
  return lr ?? (learningRates[name] * batchSize) / 256;
}

/**
 * The learning rate over a run: it rises a step at a time over the warm-up, then falls along a cosine, an epoch at a time as
 * in the paper's code.
 */
export function learningRate(settings: OptimizerSettings, name: OptimizerName): Schedule {
  const { epochs, lrWarmupEpochs } = settings;
  const usual = name === "lars" ? Math.min(10, Math.floor(epochs / 10)) : 0;
  const warmUp = lrWarmupEpochs ?? usual;
  const schedule = optim.warmUp(warmUp, optim.cosine(highestRate(settings, name), epochs - warmUp));
  return ({ step, epoch, stepsPerEpoch }: Progress) =>
    schedule(epoch < warmUp ? (step + 1) / stepsPerEpoch : epoch);
}
