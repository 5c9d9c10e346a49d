import * as ops from "../ops.generated.js";
import {
  type GroupOptions,
  type GroupSettings,
  type Learned,
  type NamedParameters,
  Optimizer,
} from "./optimizer.js";

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019), like PyTorch's `AdamW`. The momentum of a group is the
 * first of the betas, as in PyTorch's momentum schedules.
 */
export class AdamW extends Optimizer {
  protected readonly slotNames = ["exp_avg", "exp_avg_sq"];
  private readonly beta2: number;
  private readonly eps: number;

  constructor(
    parameters: NamedParameters | Iterable<GroupOptions>,
    options: { lr: number; betas?: readonly [number, number]; eps?: number; weightDecay?: number },
  ) {
    const { lr, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
    super(parameters, { lr, momentum: betas[0], weightDecay });
    this.beta2 = betas[1];
    this.eps = eps;
  }

  protected update(
    { params, grads, slot }: Learned,
    { lr, momentum: beta1, weightDecay }: GroupSettings,
  ): void {
    const { beta2, eps } = this;
    const averages = slot("exp_avg");
    const squares = slot("exp_avg_sq");
    ops.foreachMul_(params, 1 - lr * weightDecay);
    ops.foreachMul_(averages, beta1);
    ops.foreachAdd_(averages, grads, { alpha: 1 - beta1 });
    ops.foreachMul_(squares, beta2);
    ops.foreachAddcmul_(squares, grads, grads, { value: 1 - beta2 });
    const correction1 = 1 - beta1 ** this.steps;
    const correction2 = Math.sqrt(1 - beta2 ** this.steps);
    const denominators = ops.foreachSqrt(squares);
    ops.foreachMul_(denominators, 1 / correction2);
    ops.foreachAdd_(denominators, eps);
    ops.foreachAddcdiv_(params, averages, denominators, { value: -lr / correction1 });
  }
}
