import { ops, type Tensor } from "@salmask/torch";
import { siamese } from "./siamese.js";
import type { VicregSettings } from "./vicreg-settings.js";

/** gamma and epsilon of the paper. */
const LEAST_DEVIATION = 1;
const EPS = 1e-4;

export type VicregWeights = Pick<VicregSettings, "invariance" | "variance" | "covariance">;

/** The mean `[]` over dimensions of how far the standard deviation over the batch is below 1. */
function varianceLoss(embeddings: Tensor): Tensor {
  const deviation = ops.variance(embeddings, [0], 1).add(EPS).sqrt(); // [dim]
  return deviation.neg().add(LEAST_DEVIATION).clampMin(0).mean(); // []
}

/** The sum `[]` of squared covariances between different dimensions, over the number of dimensions. */
function covarianceLoss(embeddings: Tensor): Tensor {
  const [batch, dim] = embeddings.shape;
  const centred = embeddings.sub(embeddings.mean([0], { keepdim: true })); // [B, dim]
  const covariance = centred
    .t()
    .matmul(centred)
    .div(batch - 1); // [dim, dim]
  const others = ops.eye(dim, { dtype: "float32", device: embeddings.device }).neg().add(1); // [dim, dim]
  return covariance.mul(others).pow(2).sum().div(dim); // []
}

/**
 * VICReg's loss `[]` of two views' embeddings, `[B, dim]` each (Bardes et al. 2022, section 4.1 and algorithm 1). As in the
 * algorithm, the distance is a mean over dimensions too; both views' terms are added, of which the released code halves the variance's.
 */
function vicregLoss(one: Tensor, other: Tensor, weights: VicregWeights): Tensor {
  const invariance = one.sub(other).pow(2).mean(); // []
  const variance = varianceLoss(one).add(varianceLoss(other)); // []
  const covariance = covarianceLoss(one).add(covarianceLoss(other)); // []
  return invariance
    .mul(weights.invariance)
    .add(variance.mul(weights.variance))
    .add(covariance.mul(weights.covariance)); // []
}

/**
 * VICReg (Bardes et al. 2022, "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning"): embeddings of a
 * photo agree, no dimension is constant, and no two say the same. LARS with the rate of its section 4.2.
 */
export const vicreg = ({ hidden, dim, ...weights }: VicregSettings) =>
  siamese(
    { hidden, dim },
    {
      name: "vicreg",
      loss: (one, other) => vicregLoss(one, other, weights),
      optimizer: { name: "lars", rate: 0.2 },
    },
  );
