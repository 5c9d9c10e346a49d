/** The optimizer and the learning rate of the settings. */
import { type nn, optim } from "@salmask/torch";
import type { TrainSettings } from "./settings.js";
import type { Progress, Schedule } from "./task.js";

/** The settings of the optimizer. */
export type OptimizerSettings = Pick<
  TrainSettings,
  "epochs" | "batchSize" | "lr" | "optimizer" | "lrWarmupEpochs" | "weightDecay" | "momentum"
>;

export type OptimizerName = NonNullable<OptimizerSettings["optimizer"]>;

/** For a batch of 256. SGD: MoCo v2's (the paper, section 4.1). LARS: solo-learn's for ImageNet-100. */
const learningRates: Record<OptimizerName, number> = { sgd: 0.03, lars: 0.3 };

/** A new optimizer with learning rate 0. The caller frees it. */
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

/** The highest learning rate: from the settings, or the optimizer's default, scaled with the batch size. */
export function highestRate({ lr, batchSize }: OptimizerSettings, name: OptimizerName): number {
  return lr ?? (learningRates[name] * batchSize) / 256;
}

/**
 * The learning rate over a run. It rises at every step of the warm-up, then falls along a cosine, once per epoch as in
 * the paper's code.
 */
export function learningRate(settings: OptimizerSettings, name: OptimizerName): Schedule {
  const { epochs, lrWarmupEpochs } = settings;
  const usual = name === "lars" ? Math.min(10, Math.floor(epochs / 10)) : 0;
  const warmUp = lrWarmupEpochs ?? usual;
  const schedule = optim.warmUp(warmUp, optim.cosine(highestRate(settings, name), epochs - warmUp));
  return ({ step, epoch, stepsPerEpoch }: Progress) =>
    schedule(epoch < warmUp ? (step + 1) / stepsPerEpoch : epoch);
}
