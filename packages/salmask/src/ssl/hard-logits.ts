import type { Tensor } from "@salmask/torch";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";

/**
 * The similarity of each query to its own hard negatives, multiplied by rho: `[B, M]`, minus infinity for excluded
 * negatives (the paper, section 3.3).
 *
 * @param query `[B, dim]`, rows of length one
 * @param weight rho, the factor on a hard negative's similarity
 */
export function hardLogits(query: Tensor, { embeddings, valid }: EmbeddedNegatives, weight: number): Tensor {
  const [batch, dim] = query.shape;
  const perQuery = embeddings.reshape([-1, batch, dim]); // [M, B, dim]
  const hard = perQuery.mul(query.unsqueeze(0)).sum([2]).t().mul(weight); // [B, M]
  const left = valid.reshape([-1, batch]).t().logicalNot(); // [B, M]
  return hard.maskedFill(left, Number.NEGATIVE_INFINITY); // [B, M]
}
