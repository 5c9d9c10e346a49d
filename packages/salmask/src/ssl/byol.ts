import type { Tensor } from "@salmask/torch";
import { ranksOf } from "../compute/compute.js";
import type { ProjectorMaker } from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";
import type { ByolSettings } from "./byol-settings.js";
import type { BuiltInMaker } from "./method-maker.js";
import { mirroredViews } from "./mirrored-views.js";
import { MomentumPrediction, type Predicted } from "./momentum-prediction.js";
import { predictorOf } from "./online-network.js";
import { meanSimilarity, type RepulsionOptions, repulsionTerm } from "./prediction.js";

/** Two layers, batch norm between them. */
const projectorOf: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  mlpHead({ widths: [features, hidden, dim], lastNorm: "none", generator });

/** The squared distance `[]` of vectors of length one, 2 - 2 cos, of both directions, and what pushes hard negatives away. */
function byolLoss(
  { batch, predictions, targets, negatives }: Predicted,
  repulsion: RepulsionOptions,
): Tensor {
  const apart = meanSimilarity(predictions, targets).mul(-4).add(4); // []
  if (negatives === null) return apart;
  const ofFirst = predictions.narrow(0, 0, batch); // [B, dim], of the view that negatives are not made of
  return apart.add(repulsionTerm(ofFirst, negatives, repulsion)); // []
}

/**
 * BYOL (Grill et al. 2020, "Bootstrap Your Own Latent"): an online network predicts the embedding that a momentum copy gives the
 * other view, in both directions; nothing is told apart from other photos. A photo's hard negative, if there is one, pushes the
 * prediction of its first view away. LARS with the rate of solo-learn's recipe for ImageNet-100, whose LARS takes larger steps.
 */
export const byol = (method: ByolSettings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, predictorHidden, momentum, repulsion, repulsionMargin } = method;
    const negativeWeight = mask.negative.weight;
    const options = { repulsion, repulsionMargin, negativeWeight, ranks: ranksOf(compute) };
    return new MomentumPrediction({
      name: "byol",
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      projectorOf,
      predictorOf: (generator) => predictorOf({ dim, hidden: predictorHidden }, generator),
      momentum,
      loss: (predicted) => byolLoss(predicted, options),
    });
  },
  recipe: mirroredViews,
  optimizer: () => ({ name: "lars", rate: 0.5 }),
});
