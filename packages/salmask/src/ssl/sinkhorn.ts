import { noGrad, scope, type Tensor } from "@salmask/torch";

export interface SinkhornOptions {
  /** Softness of the codes: near 0 each row has one prototype. */
  readonly epsilon: number;
  readonly iterations: number;
}

/**
 * Assigns rows to prototypes by their scores, so that each prototype gets an equal share of all rows (Cuturi 2013, as in Caron et
 * al. 2020, section 3.1 and the pseudo code in its appendix). Prototypes are scaled to equal shares and then rows to a sum of 1,
 * `iterations` times. Computed without gradients in float32, of logarithms, which no epsilon makes infinite.
 *
 * @param scores `[N, K]`
 * @returns float32 `[N, K]`, rows with a sum of 1
 */
export function sinkhorn(scores: Tensor, { epsilon, iterations }: SinkhornOptions): Tensor {
  return noGrad(() =>
    scope(() => {
      const [rows, prototypes] = scores.shape;
      let plan = scores.to({ dtype: "float32" }).div(epsilon); // [N, K]
      for (let i = 0; i < iterations; i++) {
        plan = plan.sub(plan.logsumexp([0], { keepdim: true })).add(Math.log(rows / prototypes));
        plan = plan.sub(plan.logsumexp([1], { keepdim: true }));
      }
      return plan.exp(); // [N, K]
    }),
  );
}
