import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Optimizer } from "./optimizer.js";

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch's `AdamW`. */
export class AdamW extends Optimizer {
  private readonly options: { betas: readonly [number, number]; eps: number; weightDecay: number };

  constructor(
    parameters: Iterable<[string, Tensor]>,
    options: { lr: number; betas?: readonly [number, number]; eps?: number; weightDecay?: number },
  ) {
    super(parameters, options.lr);
    this.options = {
      betas: options.betas ?? [0.9, 0.999],
      eps: options.eps ?? 1e-8,
      weightDecay: options.weightDecay ?? 0.01,
    };
  }

  protected update(params: Tensor[], grads: Tensor[], indices: number[]): void {
    const [beta1, beta2] = this.options.betas;
    const [allAverages, allSquares] = [this.slot("exp_avg"), this.slot("exp_avg_sq")];
    const averages = indices.map((i) => allAverages[i]);
    const squares = indices.map((i) => allSquares[i]);
    ops.foreachMul_(params, 1 - this.lr * this.options.weightDecay);
    ops.foreachMul_(averages, beta1);
    ops.foreachAdd_(averages, grads, { alpha: 1 - beta1 });
    ops.foreachMul_(squares, beta2);
    ops.foreachAddcmul_(squares, grads, grads, { value: 1 - beta2 });
    const correction1 = 1 - beta1 ** this.steps;
    const correction2 = Math.sqrt(1 - beta2 ** this.steps);
    const denominators = ops.foreachSqrt(squares);
    ops.foreachMul_(denominators, 1 / correction2);
    ops.foreachAdd_(denominators, this.options.eps);
    ops.foreachAddcdiv_(params, averages, denominators, { value: -this.lr / correction1 });
  }
}
