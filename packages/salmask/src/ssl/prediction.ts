/** What methods without a softmax compare: predictions with targets, and with hard negatives. */
import type { Tensor } from "@salmask/torch";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";
import type { Ranks } from "../ranks/ranks.js";

/** Mean similarity `[]`, -1 to 1, of each prediction to its target, `[B, dim]` each, rows of length one. */
export function meanSimilarity(prediction: Tensor, target: Tensor): Tensor {
  return prediction.mul(target).sum([1]).mean(); // []
}

export interface RepulsionOptions {
  /** Weight of the whole term. */
  readonly repulsion: number;
  readonly repulsionMargin: number;
  /** rho, the factor on a hard negative's similarity. */
  readonly negativeWeight: number;
  readonly ranks: Ranks;
}

/**
 * The weighted mean `[]` over predictions and their hard negatives of `max(0, rho p.h - margin)`; 0 if no negative counts. It is
 * divided by the mean number that count on a rank, so that the mean over the ranks is that of the whole batch. The paper's loss has hard
 * negatives in its sum over keys (section 3.3), which a method without a softmax does not have.
 *
 * @param predictions `[D * B, dim]`, rows of length one: row d * B + i is of photo i in direction d
 */
export function repulsionTerm(
  predictions: Tensor,
  { embeddings, valid }: EmbeddedNegatives,
  batch: number,
  { repulsion, repulsionMargin, negativeWeight, ranks }: RepulsionOptions,
): Tensor {
  const [rows, dim] = predictions.shape;
  const own = predictions.reshape([1, rows / batch, batch, dim]);
  const hard = embeddings.reshape([-1, 1, batch, dim]);
  const excess = own.mul(hard).sum([3]).mul(negativeWeight).sub(repulsionMargin).clampMin(0); // [M, D, B]
  const counts = valid.to({ dtype: "float32" }).reshape([-1, 1, batch]).expand(excess.shape); // [M, D, B]
  const counted = ranks.mean(counts.sum()).clampMin(1 / ranks.worldSize); // []
  return excess.mul(counts).sum().div(counted).mul(repulsion); // []
}
