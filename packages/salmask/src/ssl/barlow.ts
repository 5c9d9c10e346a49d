import { ops, type Tensor } from "@salmask/torch";
import type { BarlowSettings } from "./barlow-settings.js";
import { siamese } from "./siamese.js";

/** As in batch normalisation. */
const EPS = 1e-5;

/** Rows with mean 0 and variance 1 over the batch in each dimension, `[B, dim]` to the same. */
function standardized(embeddings: Tensor): Tensor {
  const centred = embeddings.sub(embeddings.mean([0], { keepdim: true })); // [B, dim]
  const variance = ops.variance(embeddings, [0], 0, { keepdim: true }); // [1, dim]
  return centred.div(variance.add(EPS).sqrt()); // [B, dim]
}

/**
 * Barlow Twins' loss `[]` (Zbontar et al. 2021, equations 1 and 2): the squared distance of the cross-correlation of two views'
 * embeddings, `[B, dim]` each, from the identity; correlations between different dimensions count `redundancy` times.
 */
function crossCorrelationLoss(one: Tensor, other: Tensor, redundancy: number): Tensor {
  const [batch, dim] = one.shape;
  const correlation = standardized(one).t().matmul(standardized(other)).div(batch); // [dim, dim]
  const identity = ops.eye(dim, { dtype: "float32", device: one.device }); // [dim, dim]
  const weights = identity.mul(1 - redundancy).add(redundancy); // [dim, dim]
  return correlation.sub(identity).pow(2).mul(weights).sum(); // []
}

/**
 * Barlow Twins (Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction"): each dimension agrees between
 * views, and different ones have nothing in common. LARS with the rates of its section 2.3.
 */
export const barlow = ({ redundancy, ...widths }: BarlowSettings) =>
  siamese(widths, {
    name: "barlow",
    loss: (one, other) => crossCorrelationLoss(one, other, redundancy),
    optimizer: { name: "lars", rate: 0.2, vectorShare: 0.0048 / 0.2 },
  });
