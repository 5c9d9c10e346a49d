import { Generator, KeyedRandom, type nn, noGrad, ops, scope } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { embedded } from "../masking/hard-negatives.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import {
  type EncoderOptions,
  type ProjectedEncoder,
  type ProjectorMaker,
  projectedEncoder,
} from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";
import { joinParts, partOf } from "../models/state-dict.js";
import type { Logs } from "../training/task.js";
import type { BatchViews, View } from "../views/view.js";
import type { ByolSettings } from "./byol-settings.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { MethodMaker } from "./method-maker.js";
import { mirroredSources, mirroredTargets, mirroredViews } from "./mirrored-views.js";
import { follow, risingMomentum } from "./momentum.js";
import { OnlineNetwork, predictorOf } from "./online-network.js";
import { meanSimilarity, type RepulsionOptions, repulsionTerm } from "./prediction.js";

export interface ByolOptions extends RepulsionOptions {
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  readonly predictorHidden: number;
  /** m at the start in `target = m * target + (1 - m) * online`, after every step. */
  readonly momentum: number;
}

/** Two layers, batch norm between them. */
const projectorOf: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  mlpHead({ widths: [features, hidden, dim], lastNorm: "none", generator });

/**
 * BYOL (Grill et al. 2020, "Bootstrap Your Own Latent"): an online network predicts the embedding that a momentum copy gives the
 * other view, in both directions; nothing is told apart from other photos. Sources are masked, targets are not. A photo's hard
 * negative, if there is one, pushes its two predictions away.
 */
export class Byol implements Method {
  readonly name = "byol";
  readonly online: OnlineNetwork;
  readonly target: ProjectedEncoder;

  constructor(private readonly options: ByolOptions) {
    const { seed, encoder, predictorHidden } = options;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(seed, purpose.weights, part).uint32());
    const predictor = predictorOf({ dim: encoder.dim, hidden: predictorHidden }, generatorFor(1));
    this.online = new OnlineNetwork(
      projectedEncoder(encoder, generatorFor(0), projectorOf),
      predictor,
      encoder.compute,
    );
    this.target = projectedEncoder(encoder, generatorFor(0), projectorOf).setRequiresGrad(false);
  }

  get learned(): nn.Module {
    return this.online;
  }

  get backbone(): Backbone {
    return this.online.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.target.backbone;
  }

  sources(views: readonly View[]): readonly View[] {
    return mirroredSources(views, this.options.branch);
  }

  /** All targets and hard negatives pass through their encoder together, so that none is known by its batch statistics. */
  against({ views, negatives }: BatchViews): Compare {
    const [first, second] = mirroredTargets(views, this.options.branch); // [B, 3, H, W] each
    const batch = first.shape[0];
    const shown = [second, first, ...(negatives === null ? [] : [negatives.pixels])];
    const all = noGrad(() => scope(() => this.target.forward(ops.cat(shown)))); // [2 B + M B, dim]
    const targets = all.narrow(0, 0, 2 * batch); // [2 B, dim]
    const hard =
      negatives === null ? null : embedded(negatives, all.narrow(0, 2 * batch, all.shape[0] - 2 * batch)); // of [M * B, dim]
    return (sources) => {
      const predictions = this.online.forward(ops.cat(sources)); // [2 B, dim]
      // The squared distance of vectors of length one, 2 - 2 cos, of both directions.
      const apart = meanSimilarity(predictions, targets).mul(-4).add(4); // []
      const loss = hard === null ? apart : apart.add(repulsionTerm(predictions, hard, batch, this.options)); // []
      const embeddings = { query: predictions.narrow(0, 0, batch), key: targets.narrow(0, 0, batch) }; // [B, dim] each
      const logs = () => ({ contrastAccuracy: contrastAccuracy(embeddings.query, embeddings.key).item() });
      return { loss, logs, embeddings };
    };
  }

  embed({ views }: BatchViews): Embeddings {
    const [source] = this.sources(views);
    const [, target] = mirroredTargets(views, this.options.branch);
    return { query: this.online.encoder.evaluate(source.masked), key: this.target.evaluate(target) }; // [B, dim] each
  }

  afterStep(progress: number): void {
    follow(this.target, this.online.encoder, risingMomentum(this.options.momentum, progress));
  }

  logs(): Logs {
    return {};
  }

  state(): nn.StateDict {
    return joinParts({ online: this.online.stateDict(), target: this.target.stateDict() });
  }

  counters(): Record<string, number> {
    return {};
  }

  loadState(state: nn.StateDict): void {
    this.online.loadStateDict(partOf(state, "online"));
    this.target.loadStateDict(partOf(state, "target"));
  }

  dispose(): void {
    this.online.dispose();
    this.target.dispose();
  }
}

/** LARS with the rate of solo-learn's recipe for ImageNet-100. */
export const byol = (method: ByolSettings): Required<MethodMaker> => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, predictorHidden, momentum, repulsion, repulsionMargin } = method;
    return new Byol({
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      predictorHidden,
      momentum,
      repulsion,
      repulsionMargin,
      negativeWeight: mask.negative.weight,
    });
  },
  recipe: mirroredViews,
  optimizer: () => ({ name: "lars", rate: 0.5 }),
});
