import type { Tensor } from "@salmask/torch";
import { arange, noGrad, scope } from "@salmask/torch";

/**
 * Share `[]` of queries that are more similar to their own key than to every other photo's: how far embeddings tell photos apart.
 *
 * @param query `[B, dim]`, rows of length one
 * @param key `[B, dim]`, rows of length one
 */
export function contrastAccuracy(query: Tensor, key: Tensor): Tensor {
  return noGrad(() =>
    scope(() => {
      const nearest = query.matmul(key.t()).argmax({ dim: 1 }); // [B]
      const own = arange(0, query.shape[0], { dtype: "int64", device: query.device }); // [B]
      return nearest.eq(own).toCopy({ dtype: "float32" }).mean(); // []
    }),
  );
}
