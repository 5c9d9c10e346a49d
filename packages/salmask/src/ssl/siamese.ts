import { Generator, KeyedRandom, type nn, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { ranksOf } from "../compute/compute.js";
import type { MaskSettings } from "../masking/settings.js";
import type { Backbone } from "../models/backbone.js";
import {
  type EncoderOptions,
  type ProjectedEncoder,
  type ProjectorMaker,
  projectedEncoder,
  unitRows,
} from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";
import { pick } from "../models/state-dict.js";
import type { UsualOptimizer } from "../training/optimizer.js";
import type { BatchViews, View } from "../views/view.js";
import { contrastAccuracy } from "./contrast-accuracy.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { mirroredSources, mirroredTargets, mirroredViews } from "./mirrored-views.js";

/**
 * A loss `[]` of the embeddings of a batch's two views, `[B, dim]` each and of any length, with those of all ranks. It is the same
 * where the two are exchanged.
 */
export type PairLoss = (one: Tensor, other: Tensor) => Tensor;

/** What a method says of itself, beside its settings. */
export interface SiameseKind extends Pick<SiameseOptions, "name" | "loss"> {
  readonly optimizer: UsualOptimizer;
}

export interface SiameseOptions {
  readonly name: string;
  readonly seed: number;
  readonly encoder: EncoderOptions;
  readonly branch: MaskSettings["branch"];
  readonly loss: PairLoss;
}

/** Barlow Twins' and VICReg's head: three layers with batch norm between them, and no bias at the end, as in their released code. */
const projectorOf: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  mlpHead({ widths: [features, hidden, hidden, dim], lastNorm: "none", lastBias: false, generator });

/**
 * Methods with one encoder and no negatives, whose loss keeps embeddings from collapsing: Barlow Twins and VICReg.
 *
 * In their papers gradients flow through both views. Here each view in turn is a masked source, and the other a target that is not
 * masked and through which no gradient flows, as in every method with two directions. The two directions' gradients are added, and
 * their losses averaged: as the loss is symmetric, both are then exactly the paper's where nothing is masked. If gradients flowed
 * through targets too, it would make no difference which of the branches is masked.
 */
export class Siamese implements Method {
  readonly name: string;
  readonly encoder: ProjectedEncoder;

  constructor(private readonly options: SiameseOptions) {
    const { name, seed, encoder } = options;
    this.name = name;
    const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
    this.encoder = projectedEncoder(encoder, generator, projectorOf);
  }

  get learned(): nn.Module {
    return this.encoder;
  }

  get backbone(): Backbone {
    return this.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.backbone;
  }

  sources(views: readonly View[]): readonly View[] {
    return mirroredSources(views, this.options.branch);
  }

  /** Both targets pass through the encoder together, and so do both sources. */
  against({ views }: BatchViews): Compare {
    const { branch, loss, encoder } = this.options;
    const ranks = ranksOf(encoder.compute);
    const [first, second] = mirroredTargets(views, branch); // [B, 3, H, W] each
    const batch = first.shape[0];
    const targets = noGrad(() => scope(() => this.encoder.project(ops.cat([second, first])))); // [2 B, dim]
    return (sources) => {
      const embeddings = this.encoder.project(ops.cat(sources)); // [2 B, dim]
      const directions = [0, batch].map((from) =>
        loss(
          ranks.gatherWithGradients(embeddings.narrow(0, from, batch)),
          ranks.gather(targets.narrow(0, from, batch)),
        ),
      ); // [] each, the same on each rank
      const both = directions[0].add(directions[1]); // []
      const query = unitRows(embeddings.detach().narrow(0, 0, batch)); // [B, dim]
      const key = unitRows(targets.narrow(0, 0, batch)); // [B, dim]
      return {
        loss: both.sub(both.detach().div(2)), // the value of their mean, the gradient of their sum
        logs: () => ({ contrastAccuracy: contrastAccuracy(query, key, ranks).item() }),
        embeddings: { query, key },
      };
    };
  }

  embed({ views }: BatchViews): Embeddings {
    const [source] = this.sources(views);
    const [, target] = mirroredTargets(views, this.options.branch);
    return { query: this.encoder.evaluate(source.masked), key: this.encoder.evaluate(target) }; // [B, dim] each
  }

  state(): nn.StateDict {
    return this.encoder.stateDict();
  }

  loadState(state: nn.StateDict): void {
    this.encoder.loadStateDict(pick(state, Object.keys(this.encoder.stateDict())));
  }

  dispose(): void {
    this.encoder.dispose();
  }
}

/** Makes a method of this kind, with a head of these widths. */
export const siamese = (
  { hidden, dim }: Pick<EncoderOptions, "hidden" | "dim">,
  { name, loss, optimizer }: SiameseKind,
): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) =>
    new Siamese({
      name,
      seed,
      encoder: { backbone: model, hidden, dim, compute },
      branch: mask.branch,
      loss,
    }),
  recipe: mirroredViews,
  optimizer: () => optimizer,
});
