import { ops, type Tensor, zeros } from "@salmask/torch";

export interface ContrastiveInputs {
  /** `[B, dim]`, rows of length one, with gradient. */
  query: Tensor;
  /** `[B, dim]`, rows of length one. */
  key: Tensor;
  /** `[K, dim]`, rows of length one: past keys. */
  queue: Tensor;
  /** `[M * B, dim]`: row m * B + i is a hard negative of query i alone. */
  negatives: Tensor | null;
  /** bool `[M * B]`: false leaves a negative out of the sum. */
  negativeValid: Tensor | null;
}

/**
 * InfoNCE over the key, the queue and each query's own hard negatives:
 * `-log exp(q.k / t) / (exp(q.k / t) + sum_j exp(q.n_j / t) + sum_m exp(rho q.h_m / t))` (the paper, section 3.3;
 * He et al. 2020 without the last sum). `weight` is rho, which multiplies the similarity inside the exponent.
 * Returns the mean loss `[]` and the share `[]` of queries whose key beats the whole queue; hard negatives do not
 * count there, so that runs with and without them can be compared.
 */
export function contrastiveLoss(
  { query, key, queue, negatives, negativeValid }: ContrastiveInputs,
  options: { temperature: number; weight: number },
): { loss: Tensor; contrastAccuracy: Tensor } {
  const [batch, dim] = query.shape;
  const positive = query.mul(key).sum([1], { keepdim: true }); // [B, 1]
  const past = query.matmul(queue.t()); // [B, K]
  const columns = [positive, past];
  if (negatives !== null) {
    const perQuery = negatives.reshape([-1, batch, dim]); // [M, B, dim]
    let hard = perQuery.mul(query.unsqueeze(0)).sum([2]).t().mul(options.weight); // [B, M]
    if (negativeValid !== null) {
      const left = negativeValid.reshape([-1, batch]).t().logicalNot(); // [B, M]
      hard = hard.maskedFill(left, Number.NEGATIVE_INFINITY); // [B, M]
    }
    columns.push(hard);
  }
  const logits = ops.cat(columns, { dim: 1 }).div(options.temperature); // [B, 1 + K + M]
  const target = zeros([batch], { dtype: "int64", device: query.device }); // [B]
  const loss = ops.crossEntropyLoss(logits, target); // []
  const won = positive
    .detach()
    .squeeze(1)
    .ge(past.detach().amax({ dim: [1] })); // [B]
  return { loss, contrastAccuracy: won.toCopy({ dtype: "float32" }).mean() };
}
