/**
 * Linear centred kernel alignment: how alike two networks see the same photos (Kornblith et al. 2019, "Similarity of Neural Network
 * Representations Revisited", equations 3 and 5).
 */
import { noGrad, scope, type Tensor } from "@salmask/torch";

/** How alike photos are to a network: the products of their features about the features' mean. `[N, d]` to float64 `[N, N]`. */
export function centredGram(features: Tensor): Tensor {
  return noGrad(() =>
    scope(() => {
      const wide = features.to({ dtype: "float64" }); // [N, d]
      const centred = wide.sub(wide.mean([0], { keepdim: true })); // [N, d]
      return centred.matmul(centred.t()); // [N, N]
    }),
  );
}

/**
 * The alignment of two results of {@link centredGram} for the same photos, 0 to 1: 1 where the features are the same up to a
 * rotation and one factor. It is too high where photos are few and features many. Null where one network sees all photos alike.
 */
export function linearCka(a: Tensor, b: Tensor): number | null {
  return noGrad(() =>
    scope(() => {
      const product = (x: Tensor, y: Tensor) => x.mul(y).sum().item();
      const size = Math.sqrt(product(a, a) * product(b, b));
      return size > 0 ? product(a, b) / size : null;
    }),
  );
}
