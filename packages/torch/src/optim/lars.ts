import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import {
  type GroupOptions,
  type GroupSettings,
  type Learned,
  type NamedParameters,
  Optimizer,
} from "./optimizer.js";

/**
 * Layer-wise adaptive rate scaling (You et al., "Large Batch Training of Convolutional Networks", 2017): SGD with
 * momentum on gradients, including weight decay, that are scaled by `trustCoefficient * |w| / (|g| + eps)`. Parameters
 * with one dimension (biases, norms) get neither the scaling nor weight decay, as in SimCLR.
 */
export class LARS extends Optimizer {
  protected readonly slotNames = ["momentum_buffer"];
  private readonly trustCoefficient: number;
  private readonly eps: number;

  constructor(
    parameters: NamedParameters | Iterable<GroupOptions>,
    options: { lr: number; momentum?: number; weightDecay?: number; trustCoefficient?: number; eps?: number },
  ) {
    const { lr, momentum = 0.9, weightDecay = 0, trustCoefficient = 0.001, eps = 1e-8 } = options;
    super(parameters, { lr, momentum, weightDecay });
    this.trustCoefficient = trustCoefficient;
    this.eps = eps;
  }

  protected update({ params, grads, slot }: Learned, { lr, momentum, weightDecay }: GroupSettings): void {
    for (const [i, param] of params.entries()) if (param.ndim > 1) this.scale(param, grads[i], weightDecay);
    const buffers = slot("momentum_buffer");
    ops.foreachMul_(buffers, momentum);
    ops.foreachAdd_(buffers, grads);
    ops.foreachAdd_(params, buffers, { alpha: -lr });
  }

  /** Adds the weight decay to a gradient and scales it, in place. */
  private scale(param: Tensor, grad: Tensor, weightDecay: number): void {
    if (weightDecay !== 0) grad.add_(param, { alpha: weightDecay });
    const paramNorm = ops.linalgVectorNorm(param); // []
    const gradNorm = ops.linalgVectorNorm(grad); // []
    const scaled = paramNorm.div(gradNorm.add(this.eps)).mul(this.trustCoefficient); // []
    const usable = paramNorm.gt(0).logicalAnd(gradNorm.gt(0)); // []
    grad.mul_(ops.where(usable, scaled, scaled.mul(0).add(1)));
  }
}
