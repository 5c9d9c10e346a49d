import { noGrad, ops, scope, type Tensor } from "@salmask/torch";

/** The distribution of a batch's embeddings on the sphere, which a loss alone does not show. */
export interface EmbeddingStats {
  /** Mean squared distance between a query and its key, 0 to 4; small if the views of a photo agree. */
  alignment: number;
  /** Log of the mean of `exp(-2 d^2)` over pairs of queries, -8 to 0; 0 if all embeddings are the same. */
  uniformity: number;
  /** Number of directions that the queries use: the exponential of the entropy of their singular values, 1 to dim. */
  rank: number;
}

/**
 * Alignment and uniformity (Wang and Isola 2020, "Understanding Contrastive Representation Learning through Alignment and
 * Uniformity on the Hypersphere") and effective rank (Garrido et al. 2023, "RankMe").
 *
 * @param query `[B, dim]`, rows of length one, B at least 2
 * @param key `[B, dim]`, rows of length one
 */
export function embeddingStats(query: Tensor, key: Tensor): EmbeddingStats {
  return noGrad(() =>
    scope(() => {
      const [batch] = query.shape;
      const alignment = query.sub(key).pow(2).sum([1]).mean().item();
      const squared = query.matmul(query.t()).mul(-2).add(2); // [B, B]: squared distances
      const potential = squared.mul(-2).exp().sum().item() - batch; // each pair of a row with itself adds 1
      const uniformity = Math.log(Math.max(potential, Number.MIN_VALUE) / (batch * (batch - 1)));
      return { alignment, uniformity, rank: effectiveRank(query) };
    }),
  );
}

/**
 * The number of directions that rows use: the exponential of the entropy of their singular values, 1 to min(B, dim) (Garrido et
 * al. 2023, "RankMe"). `features` is `[B, dim]`.
 */
export function effectiveRank(features: Tensor): number {
  return noGrad(() =>
    scope(() => {
      const singular = Array.from(ops.linalgSvdvals(features).toFloat32Array()); // [min(B, dim)]
      const sum = singular.reduce((total, value) => total + value, 0);
      const entropy = singular
        .map((value) => value / sum)
        .reduce((total, share) => (share > 1e-7 ? total - share * Math.log(share) : total), 0);
      return Math.exp(entropy);
    }),
  );
}
