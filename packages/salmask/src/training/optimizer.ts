/** The optimizer and the learning rate of the settings. */
import { optim } from "@salmask/torch";
import type { TrainSettings } from "./settings.js";
import type { Progress, Schedule } from "./task.js";

/** The settings of the optimizer. */
export type OptimizerSettings = Pick<
  TrainSettings,
  "epochs" | "batchSize" | "lr" | "optimizer" | "lrWarmupEpochs" | "weightDecay" | "momentum"
>;

/** An optimizer, by its name. */
export type OptimizerName = NonNullable<OptimizerSettings["optimizer"]>;

/** What trains a method if the settings do not say it. */
export interface UsualOptimizer {
  readonly name: OptimizerName;
  /** The highest learning rate for a batch of 256. */
  readonly rate: number;
  /** The share of the learning rate that biases and the weights of norms have. Default: all of it. */
  readonly vectorShare?: number;
}

/** MoCo v2's (the paper, section 4.1), solo-learn's for ImageNet-100, and MoCo v3's for ViT. */
const learningRates: Record<OptimizerName, number> = { sgd: 0.03, lars: 0.3, adamw: 6e-4 };

/** The optimizer of the settings; of those that name none, the method's. */
export function chosenOptimizer({ optimizer }: OptimizerSettings, usual: UsualOptimizer): UsualOptimizer {
  if (optimizer === undefined || optimizer === usual.name) return usual;
  return { name: optimizer, rate: learningRates[optimizer] };
}

/** A new optimizer with learning rate 0, for parameters or groups of them. The caller frees it. */
export function optimizerOf(
  { momentum, weightDecay }: OptimizerSettings,
  { name }: UsualOptimizer,
  parameters: optim.NamedParameters | Iterable<optim.GroupOptions>,
): optim.Optimizer {
  switch (name) {
    case "sgd":
      return new optim.SGD(parameters, { lr: 0, momentum, weightDecay });
    case "lars":
      return new optim.LARS(parameters, { lr: 0, momentum, weightDecay });
    case "adamw":
      return new optim.AdamW(parameters, { lr: 0, betas: [momentum, 0.999], weightDecay });
  }
}

/** The highest learning rate: from the settings, or the optimizer's default, scaled with the batch size. */
export function highestRate({ lr, batchSize }: OptimizerSettings, { rate }: UsualOptimizer): number {
  return lr ?? (rate * batchSize) / 256;
}

/**
 * The learning rate over a run. It rises at every step of the warm-up, then falls along a cosine, once per epoch as in
 * the paper's code.
 */
export function learningRate(settings: OptimizerSettings, optimizer: UsualOptimizer): Schedule {
  const { epochs, lrWarmupEpochs } = settings;
  const usual = optimizer.name === "lars" ? Math.min(10, Math.floor(epochs / 10)) : 0;
  const warmUp = lrWarmupEpochs ?? usual;
  const schedule = optim.warmUp(warmUp, optim.cosine(highestRate(settings, optimizer), epochs - warmUp));
  return ({ step, epoch, stepsPerEpoch }: Progress) =>
    schedule(epoch < warmUp ? (step + 1) / stepsPerEpoch : epoch);
}
