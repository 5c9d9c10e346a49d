import { Generator, type Tensor } from "@salmask/torch";
import {
  builtInMethods,
  createBackbone,
  type HostSettings,
  loadConfig,
  type Method,
  type MethodMaker,
  type PretrainSummary,
  pretrain,
} from "salmask";

/** Rows of length one. */
const unit = (features: Tensor) => features.div(features.norm(2, [1], { keepdim: true })); // [B, d]

/** Small where photos are far from each other: the mean over all pairs of `exp(-2 distance^2)`, as its logarithm. */
function uniformity(embeddings: Tensor): Tensor {
  const [batch] = embeddings.shape;
  const similarity = embeddings.matmul(embeddings.transpose(0, 1)); // [B, B]
  // exp(-2 (2 - 2 s)); a photo's similarity to itself gives 1, which does not count.
  const sum = similarity.mul(4).sub(4).exp().sum([0, 1]).sub(batch); // []
  return sum.div(batch * (batch - 1)).log(); // []
}

/** Alignment and uniformity (Wang and Isola 2020), on the backbone's features alone. */
function alignmentAndUniformity({ model, seed }: HostSettings): Method {
  const backbone = createBackbone(model, new Generator(seed));
  return {
    name: "alignment-and-uniformity",
    learned: backbone,
    backbone,
    momentumBackbone: backbone,
    sources: (views) => views,
    against:
      () =>
      ([first, second]) => {
        const query = unit(backbone.forward(first)); // [B, d]
        const key = unit(backbone.forward(second)); // [B, d]
        const alignment = query.sub(key).pow(2).sum([1]).mean([0]); // []
        const spread = uniformity(query).add(uniformity(key)).div(2); // []
        return {
          loss: alignment.add(spread), // []
          logs: () => ({ alignmentLoss: alignment.item(), uniformityLoss: spread.item() }),
          embeddings: { query, key },
        };
      },
    embed: ({ views: [first, second] }) => ({
      query: unit(backbone.forward(first.masked)), // [B, d]
      key: unit(backbone.forward(second.masked)), // [B, d]
    }),
    state: () => backbone.stateDict(),
    loadState: (state) => backbone.loadStateDict(state),
    dispose: () => backbone.dispose(),
  };
}

/** Its views are MoCo v2's, the default of the settings. */
const maker: MethodMaker = { create: alignmentAndUniformity, recipe: builtInMethods.recipe };

/** Trains with a method from outside. */
export function pretrainWithOwnMethod(
  photos: string,
  out: string,
  options: Record<string, unknown> = {},
): Promise<PretrainSummary> {
  // Its loss has no place for hard negatives.
  const config = loadConfig({ ...options, "mask.negative.count": 0 });
  return pretrain({ photos, out, config, own: { method: maker } });
}
