import { ops, type Tensor, zeros } from "@salmask/torch";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";
import { hardLogits } from "./hard-logits.js";

export interface ContrastiveInputs {
  /** `[B, dim]`, rows of length one, with gradient. */
  query: Tensor;
  /** `[B, dim]`, rows of length one. */
  key: Tensor;
  /** `[K, dim]`, rows of length one: past keys. */
  queue: Tensor;
  /** Separate negatives for each query; null if the run has none. */
  negatives: EmbeddedNegatives | null;
}

/**
 * InfoNCE over the key, the queue and each query's own hard negatives:
 * `-log exp(q.k / t) / (exp(q.k / t) + sum_j exp(q.n_j / t) + sum_m exp(rho q.h_m / t))` (the paper, section 3.3; He et
 * al. 2020 without the last sum). `weight` is rho, which multiplies the similarity inside the exponent.
 * Returns the mean loss `[]`, and the share `[]` of queries that are more similar to their key than to every key in the
 * queue. That share ignores hard negatives, so that runs with and without them can be compared.
 */
export function contrastiveLoss(
  { query, key, queue, negatives }: ContrastiveInputs,
  options: { temperature: number; weight: number },
): { loss: Tensor; contrastAccuracy: Tensor } {
  const [batch] = query.shape;
  const positive = query.mul(key).sum([1], { keepdim: true }); // [B, 1]
  const past = query.matmul(queue.t()); // [B, K]
  const columns = [positive, past];
  if (negatives !== null) columns.push(hardLogits(query, negatives, options.weight)); // [B, M]
  const logits = ops.cat(columns, { dim: 1 }).div(options.temperature); // [B, 1 + K + M]
  const target = zeros([batch], { dtype: "int64", device: query.device }); // [B]
  const loss = ops.crossEntropyLoss(logits, target); // []
  const won = positive
    .detach()
    .squeeze(1)
    .ge(past.detach().amax({ dim: [1] })); // [B]
  return { loss, contrastAccuracy: won.toCopy({ dtype: "float32" }).mean() };
}
