import { Generator, KeyedRandom, type nn, noGrad, ops, type Tensor } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { ranksOf } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import {
  type EncoderOptions,
  type ProjectedEncoder,
  type ProjectorMaker,
  projectedEncoder,
} from "../models/encoder.js";
import { joinParts, partOf } from "../models/state-dict.js";
import type { BatchViews, View } from "../views/view.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { Compare, Embeddings, Method } from "./method.js";
import { type EncodedTargets, encodeTargets } from "./mirrored-targets.js";
import { mirroredSources, mirroredTargets } from "./mirrored-views.js";
import { follow, risingMomentum } from "./momentum.js";
import { OnlineNetwork } from "./online-network.js";

/** What an online network said of a batch, and what it should have said; rows of length one, those of the first direction first. */
export interface Predicted extends EncodedTargets {
  /** `[2 B, dim]`, with gradient. */
  readonly predictions: Tensor;
}

export interface MomentumPredictionOptions {
  readonly name: string;
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  readonly projectorOf: ProjectorMaker;
  readonly predictorOf: (generator: Generator) => nn.Module;
  /** m at the start in `target = m * target + (1 - m) * online`, after every step; it rises to 1. */
  readonly momentum: number;
  /** The loss `[]` of both directions. */
  readonly loss: (predicted: Predicted) => Tensor;
  /** Layers that stay as they are initialised. */
  readonly frozen?: (backbone: Backbone) => Iterable<nn.AnyModule>;
}

/**
 * Methods whose online network predicts the embedding that a momentum copy gives the other view, in both directions: BYOL and MoCo v3.
 * Sources are masked, targets are not.
 */
export class MomentumPrediction implements Method {
  readonly name: string;
  readonly online: OnlineNetwork;
  readonly target: ProjectedEncoder;

  constructor(private readonly options: MomentumPredictionOptions) {
    const { name, seed, encoder, projectorOf, predictorOf, frozen } = options;
    this.name = name;
    const generatorFor = (part: number) =>
      new Generator(new KeyedRandom(seed, purpose.weights, part).uint32());
    const predictor = noGrad(() => predictorOf(generatorFor(1)));
    this.online = new OnlineNetwork(
      projectedEncoder(encoder, generatorFor(0), projectorOf),
      predictor,
      encoder.compute,
    );
    this.target = projectedEncoder(encoder, generatorFor(0), projectorOf).setRequiresGrad(false);
    for (const layer of frozen?.(this.backbone) ?? []) layer.setRequiresGrad(false);
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

  against(batch: BatchViews): Compare {
    const encoded = encodeTargets((pixels) => this.target.forward(pixels), batch, this.options.branch);
    const { batch: photos, targets } = encoded; // targets [2 B, dim]
    const ranks = ranksOf(this.options.encoder.compute);
    return (sources) => {
      const predictions = this.online.forward(ops.cat(sources)); // [2 B, dim]
      const loss = this.options.loss({ ...encoded, predictions }); // []
      const embeddings = { query: predictions.narrow(0, 0, photos), key: targets.narrow(0, 0, photos) }; // [B, dim] each
      const logs = () => ({
        contrastAccuracy: contrastAccuracy(embeddings.query, embeddings.key, ranks).item(),
      });
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

  state(): nn.StateDict {
    return joinParts({ online: this.online.stateDict(), target: this.target.stateDict() });
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
