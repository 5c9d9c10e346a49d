import { type nn, noGrad, ops, scope } from "@salmask/torch";

/** Against division by zero, as in PyTorch's `clip_grad_norm_`. */
const least = 1e-6;

/** Scales the gradient of each parameter tensor alone to a length of `most`, where it is longer. */
export function clipEachGradient(module: nn.Module, most: number): void {
  noGrad(() =>
    scope(() => {
      for (const { grad } of module.parameters()) {
        if (grad !== null)
          grad.mul_(ops.linalgVectorNorm(grad).add(least).reciprocal().mul(most).clamp({ max: 1 }));
      }
    }),
  );
}
