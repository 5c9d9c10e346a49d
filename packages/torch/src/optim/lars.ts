import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Optimizer } from "./optimizer.js";

/**
 * Layer-wise adaptive rate scaling (You et al., "Large Batch Training of Convolutional Networks", 2017): SGD with
 * momentum whose gradients are scaled by `trustCoefficient * |w| / (|g| + eps)`, weight decay counted in.
 * Parameters of one dimension (biases, norms) are neither scaled nor decayed, as in SimCLR.
 */
export class LARS extends Optimizer {
  private readonly options: { momentum: number; weightDecay: number; trustCoefficient: number; eps: number };

  constructor(
    parameters: Iterable<[string, Tensor]>,
    options: { lr: number; momentum?: number; weightDecay?: number; trustCoefficient?: number; eps?: number },
  ) {
    super(parameters, options.lr);
    this.options = {
      momentum: options.momentum ?? 0.9,
      weightDecay: options.weightDecay ?? 0,
      trustCoefficient: options.trustCoefficient ?? 0.001,
      eps: options.eps ?? 1e-8,
    };
  }

  protected update(params: Tensor[], grads: Tensor[], indices: number[]): void {
    const { momentum, weightDecay, trustCoefficient, eps } = this.options;
    for (const [i, param] of params.entries()) {
      if (param.ndim <= 1) continue;
      const grad = grads[i];
      if (weightDecay !== 0) grad.add_(param, { alpha: weightDecay });
      const paramNorm = ops.linalgVectorNorm(param); // []
      const gradNorm = ops.linalgVectorNorm(grad); // []
      const scaled = paramNorm.div(gradNorm.add(eps)).mul(trustCoefficient); // []
      const usable = paramNorm.gt(0).logicalAnd(gradNorm.gt(0)); // []
      grad.mul_(ops.where(usable, scaled, scaled.mul(0).add(1)));
    }
    const all = this.slot("momentum_buffer");
    const buffers = indices.map((i) => all[i]);
    ops.foreachMul_(buffers, momentum);
    ops.foreachAdd_(buffers, grads);
    ops.foreachAdd_(params, buffers, { alpha: -this.lr });
  }
}
