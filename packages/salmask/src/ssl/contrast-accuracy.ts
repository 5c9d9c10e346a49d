import type { Tensor } from "@salmask/torch";
import { arange, noGrad, scope } from "@salmask/torch";
import { oneRank, type Ranks } from "../ranks/ranks.js";

/**
 * Share `[]` of queries that are more similar to their own key than to every other photo's, on all ranks: how far embeddings tell photos
 * apart. The share is that of this rank's queries.
 *
 * @param query `[B, dim]`, rows of length one
 * @param key `[B, dim]`, rows of length one
 */
export function contrastAccuracy(query: Tensor, key: Tensor, ranks: Ranks = oneRank): Tensor {
  return noGrad(() =>
    scope(() => {
      const [batch] = query.shape;
      const first = ranks.rank * batch;
      const nearest = query.matmul(ranks.gather(key).t()).argmax({ dim: 1 }); // [B]
      const own = arange(first, first + batch, { dtype: "int64", device: query.device }); // [B]
      return nearest.eq(own).toCopy({ dtype: "float32" }).mean(); // []
    }),
  );
}
