import { arange, ops, type Tensor } from "@salmask/torch";
import { ranksOf } from "../compute/compute.js";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";
import type { Backbone } from "../models/backbone.js";
import { mlpHead } from "../models/mlp-head.js";
import { isTransformer } from "../models/settings.js";
import type { Ranks } from "../ranks/ranks.js";
import { hardLogits } from "./hard-logits.js";
import type { BuiltInMaker } from "./method-maker.js";
import { mirroredViews } from "./mirrored-views.js";
import type { Mocov3Settings } from "./mocov3-settings.js";
import { MomentumPrediction, type Predicted } from "./momentum-prediction.js";

export interface InBatchOptions {
  /** tau */
  readonly temperature: number;
  /** rho, the factor on a hard negative's similarity. */
  readonly weight: number;
  readonly ranks: Ranks;
}

/**
 * MoCo v3's loss `[]` of one direction (Chen, Xie and He 2021, algorithm 1): each query is to find its key among those of all ranks,
 * `[B, dim]` each, rows of length one. A hard negative is one more column in the row of its own photo. `2 tau` keeps gradients as
 * large at every temperature.
 */
function inBatchLoss(
  queries: Tensor,
  keys: Tensor,
  negatives: EmbeddedNegatives | null,
  { temperature, weight, ranks }: InBatchOptions,
): Tensor {
  const [batch] = queries.shape;
  const first = ranks.rank * batch;
  const similarities = queries.matmul(ranks.gather(keys).t()); // [B, A] with the A keys of all ranks
  const columns = [
    similarities,
    ...(negatives === null ? [] : [hardLogits(queries, negatives, weight)]), // [B, M]
  ];
  const logits = ops.cat(columns, { dim: 1 }).div(temperature); // [B, A + M]
  const own = arange(first, first + batch, { dtype: "int64", device: queries.device }); // [B]
  return ops.crossEntropyLoss(logits, own).mul(2 * temperature); // []
}

/** The loss `[]` of both directions. Hard negatives are made of the second view, so they are for queries of the first. */
function mocov3Loss({ batch, predictions, targets, negatives }: Predicted, options: InBatchOptions): Tensor {
  const [one, other] = [negatives, null].map((hard, i) =>
    inBatchLoss(predictions.narrow(0, i * batch, batch), targets.narrow(0, i * batch, batch), hard, options),
  ); // [] each
  return one.add(other); // []
}

/** The projection of patches, which the paper leaves at its initialisation because training is unstable otherwise (section 4.2). */
function* patchProjection(backbone: Backbone) {
  for (const [name, layer] of backbone.children()) if (name === "conv_proj") yield layer;
}

/**
 * MoCo v3 (Chen, Xie and He 2021, "An Empirical Study of Training Self-Supervised Vision Transformers"): BYOL's networks, and in
 * place of its distance a softmax over the keys of the batch. Heads are those of the released code: for ConvNets the projector has
 * two layers and the predictor ends without batch norm, for transformers the projector has three. Optimizers are the paper's: LARS
 * for ConvNets with the rate of its shortest schedule, AdamW for transformers with solo-learn's rate for ImageNet-100.
 */
export const mocov3 = (method: Mocov3Settings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, predictorHidden, momentum, temperature } = method;
    const isForPatches = isTransformer(model.arch);
    const options = { temperature, weight: mask.negative.weight, ranks: ranksOf(compute) };
    return new MomentumPrediction({
      name: "mocov3",
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      projectorOf: ({ features, generator }) => {
        const middle = isForPatches ? [hidden, hidden] : [hidden];
        return mlpHead({ widths: [features, ...middle, dim], lastNorm: "plain", generator });
      },
      predictorOf: (generator) =>
        mlpHead({
          widths: [dim, predictorHidden, dim],
          lastNorm: isForPatches ? "plain" : "none",
          lastBias: false,
          generator,
        }),
      momentum,
      loss: (predicted) => mocov3Loss(predicted, options),
      frozen: patchProjection,
    });
  },
  recipe: mirroredViews,
  optimizer: ({ model }) =>
    isTransformer(model.arch) ? { name: "adamw", rate: 3e-4 } : { name: "lars", rate: 0.6 },
});
