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
 * The weighted mean `[]` over predictions and their photos' hard negatives of `max(0, rho p.h - margin)`; 0 if no negative counts. It is
 * divided by the mean number that count on a rank, so that the mean over the ranks is that of the whole batch. The paper's loss has hard
 * negatives in its sum over keys (section 3.3), which a method without a softmax does not have.
 *
 * @param predictions `[B, dim]`, rows of length one, of the view that the negatives are not made of: beside a copy of its own crop a
 * prediction would learn to tell crops apart
 */
export function repulsionTerm(
  predictions: Tensor,
  { embeddings, valid }: EmbeddedNegatives,
  { repulsion, repulsionMargin, negativeWeight, ranks }: RepulsionOptions,
): Tensor {
  const [batch, dim] = predictions.shape;
  const hard = embeddings.reshape([-1, batch, dim]); // [M, B, dim]
  const excess = predictions.mul(hard).sum([2]).mul(negativeWeight).sub(repulsionMargin).clampMin(0); // [M, B]
  const counts = valid.to({ dtype: "float32" }).reshape([-1, batch]); // [M, B]
  const counted = ranks.mean(counts.sum()).clampMin(1 / ranks.worldSize); // []
  return excess.mul(counts).sum().div(counted).mul(repulsion); // []
}
