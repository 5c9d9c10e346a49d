import * as ops from "../ops.generated.js";
import {
  type GroupOptions,
  type GroupSettings,
  type Learned,
  type NamedParameters,
  Optimizer,
} from "./optimizer.js";

/** Stochastic gradient descent with momentum, like PyTorch's `SGD` (weight decay is added to the gradient). */
export class SGD extends Optimizer {
  protected readonly slotNames = ["momentum_buffer"];
  private readonly nesterov: boolean;

  constructor(
    parameters: NamedParameters | Iterable<GroupOptions>,
    options: { lr: number; momentum?: number; weightDecay?: number; nesterov?: boolean },
  ) {
    const { lr, momentum = 0, weightDecay = 0, nesterov = false } = options;
    super(parameters, { lr, momentum, weightDecay });
    this.nesterov = nesterov;
  }

  protected update({ params, grads, slot }: Learned, { lr, momentum, weightDecay }: GroupSettings): void {
    // The gradients are dropped after the step, so they can be changed in place.
    if (weightDecay !== 0) ops.foreachAdd_(grads, params, { alpha: weightDecay });
    let direction = grads;
    if (momentum !== 0) {
      const buffers = slot("momentum_buffer");
      // PyTorch copies the gradient at the first step. With buffers of zeros, momentum * 0 + g is the same.
      ops.foreachMul_(buffers, momentum);
      ops.foreachAdd_(buffers, grads);
      if (this.nesterov) ops.foreachAdd_(grads, buffers, { alpha: momentum });
      else direction = buffers;
    }
    ops.foreachAdd_(params, direction, { alpha: -lr });
  }
}
