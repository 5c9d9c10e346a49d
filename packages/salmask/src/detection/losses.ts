/** What all losses of a detector are made of. */
import { ops, type Tensor, zeros } from "@salmask/torch";

/** libtorch's number of a reduction. */
const summed = 2;

export interface BoxLossOptions {
  /** Samples that the loss is the mean of. */
  readonly samples: number;
  /** Where the loss goes from a parabola to a line; 0: L1. */
  readonly beta: number;
}

/** Smooth L1 of changes `[N, 4]` against the wanted ones: `[]`. */
export function boxLoss(changes: Tensor, wanted: Tensor, { samples, beta }: BoxLossOptions): Tensor {
  return ops.smoothL1Loss(changes, wanted, { reduction: summed, beta }).div(Math.max(samples, 1));
}

/** 0 for a batch that has nothing to learn these parameters from: their gradients are 0, not absent and not NaN. */
export function nothingLearned(parameters: readonly Tensor[]): Tensor {
  const learned = parameters.filter(({ requiresGrad }) => requiresGrad);
  return learned.reduce(
    (sum, parameter) => sum.add(parameter.sum().mul(0)),
    zeros([], { device: parameters[0].device }),
  );
}
