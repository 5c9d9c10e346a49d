import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Optimizer } from "./optimizer.js";

/** Stochastic gradient descent with momentum, as PyTorch's `SGD` (weight decay added to the gradient). */
export class SGD extends Optimizer {
  private readonly momentum: number;
  private readonly weightDecay: number;
  private readonly nesterov: boolean;

  constructor(
    parameters: Iterable<[string, Tensor]>,
    options: { lr: number; momentum?: number; weightDecay?: number; nesterov?: boolean },
  ) {
    super(parameters, options.lr);
    this.momentum = options.momentum ?? 0;
    this.weightDecay = options.weightDecay ?? 0;
    this.nesterov = options.nesterov ?? false;
  }

  protected update(params: Tensor[], grads: Tensor[], indices: number[]): void {
    // The gradients belong to the parameters and are dropped after the step, so they are worked on in place.
    if (this.weightDecay !== 0) ops.foreachAdd_(grads, params, { alpha: this.weightDecay });
    let direction = grads;
    if (this.momentum !== 0) {
      const all = this.slot("momentum_buffer");
      const buffers = indices.map((i) => all[i]);
      // From zeros, momentum * 0 + g is PyTorch's first step, which copies the gradient.
      ops.foreachMul_(buffers, this.momentum);
      ops.foreachAdd_(buffers, grads);
      if (this.nesterov) ops.foreachAdd_(grads, buffers, { alpha: this.momentum });
      else direction = buffers;
    }
    ops.foreachAdd_(params, direction, { alpha: -this.lr });
  }
}
