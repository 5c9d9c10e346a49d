import { Generator, KeyedRandom, type nn, ops, type Tensor } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { ranksOf } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import { type EncoderOptions, type ProjectorMaker, projectedEncoder } from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";
import { pick } from "../models/state-dict.js";
import type { BatchViews, View } from "../views/view.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { encodeTargets } from "./mirrored-targets.js";
import { mirroredSources, mirroredTargets, mirroredViews } from "./mirrored-views.js";
import { OnlineNetwork, predictorOf } from "./online-network.js";
import { meanSimilarity, type RepulsionOptions, repulsionTerm } from "./prediction.js";
import type { SimSiamSettings } from "./simsiam-settings.js";

export interface SimSiamOptions extends RepulsionOptions {
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  readonly predictorHidden: number;
}

/** Three layers with batch norm; the last one's has no weights. */
const projectorOf: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  mlpHead({ widths: [features, hidden, hidden, dim], lastNorm: "plain", generator });

/**
 * SimSiam (Chen and He 2021, "Exploring Simple Siamese Representation Learning"): BYOL without the momentum copy. The target is the
 * same encoder, through which no gradient flows. Sources are masked and targets are not, so that a step has four passes through the
 * encoder where the paper has two. The learning rate of the predictor stays at its highest (section 4.2 of its paper).
 */
export class SimSiam implements Method {
  readonly name = "simsiam";
  readonly online: OnlineNetwork;

  constructor(private readonly options: SimSiamOptions) {
    const { seed, encoder, predictorHidden } = options;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(seed, purpose.weights, part).uint32());
    const predictor = predictorOf({ dim: encoder.dim, hidden: predictorHidden }, generatorFor(1));
    this.online = new OnlineNetwork(
      projectedEncoder(encoder, generatorFor(0), projectorOf),
      predictor,
      encoder.compute,
    );
  }

  get learned(): nn.Module {
    return this.online;
  }

  get constantRate(): nn.Module {
    return this.online.predictor;
  }

  get backbone(): Backbone {
    return this.online.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.backbone;
  }

  sources(views: readonly View[]): readonly View[] {
    return mirroredSources(views, this.options.branch);
  }

  against(batch: BatchViews): Compare {
    const encode = (pixels: Tensor) => this.online.encoder.forward(pixels);
    const { batch: photos, targets, negatives } = encodeTargets(encode, batch, this.options.branch); // targets [2 B, dim]
    return (sources) => {
      const predictions = this.online.forward(ops.cat(sources)); // [2 B, dim]
      const apart = meanSimilarity(predictions, targets).neg(); // []
      const embeddings = { query: predictions.narrow(0, 0, photos), key: targets.narrow(0, 0, photos) }; // [B, dim] each
      const loss =
        negatives === null ? apart : apart.add(repulsionTerm(embeddings.query, negatives, this.options)); // []
      const logs = () => ({
        contrastAccuracy: contrastAccuracy(embeddings.query, embeddings.key, this.options.ranks).item(),
      });
      return { loss, logs, embeddings };
    };
  }

  embed({ views }: BatchViews): Embeddings {
    const { encoder } = this.online;
    const [source] = this.sources(views);
    const [, target] = mirroredTargets(views, this.options.branch);
    return { query: encoder.evaluate(source.masked), key: encoder.evaluate(target) }; // [B, dim] each
  }

  state(): nn.StateDict {
    return this.online.stateDict();
  }

  loadState(state: nn.StateDict): void {
    this.online.loadStateDict(pick(state, Object.keys(this.online.stateDict())));
  }

  dispose(): void {
    this.online.dispose();
  }
}

/** SGD with the paper's rate for a batch of 256 (section 4). */
export const simsiam = (method: SimSiamSettings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, predictorHidden, repulsion, repulsionMargin } = method;
    return new SimSiam({
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      predictorHidden,
      repulsion,
      repulsionMargin,
      negativeWeight: mask.negative.weight,
      ranks: ranksOf(compute),
    });
  },
  recipe: mirroredViews,
  optimizer: () => ({ name: "sgd", rate: 0.05 }),
});
