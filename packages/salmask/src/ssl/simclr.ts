import { Generator, KeyedRandom, type nn, ops } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { ranksOf } from "../compute/compute.js";
import { embedded } from "../masking/hard-negatives.js";
import type { Backbone } from "../models/backbone.js";
import { type EncoderOptions, type ProjectedEncoder, projectedEncoder } from "../models/encoder.js";
import { pick } from "../models/state-dict.js";
import type { BatchViews, View } from "../views/view.js";
import type { Compare, Embeddings, Method } from "./method.js";
import type { BuiltInMaker } from "./method-maker.js";
import { ntXent } from "./nt-xent.js";
import { queryAndKey } from "./query-and-key.js";
import type { SimClrSettings } from "./simclr-settings.js";

export interface SimClrOptions {
  seed: number;
  encoder: EncoderOptions;
  /** tau */
  temperature: number;
  /** rho, the factor on a hard negative's similarity. */
  negativeWeight: number;
}

/**
 * SimCLR (Chen et al. 2020): one encoder for both views; the rest of the batch, on all ranks, are the negatives. The paper reports its
 * masks with SimCLR but publishes no code for it. Here the first view is masked, the second is not, and only the first
 * view's row contains the hard negative.
 */
export class SimClr implements Method {
  readonly name = "simclr";
  readonly encoder: ProjectedEncoder;

  constructor(private readonly options: SimClrOptions) {
    const generator = new Generator(new KeyedRandom(options.seed, purpose.weights, 0).uint32());
    this.encoder = projectedEncoder(options.encoder, generator);
  }

  get learned(): nn.Module {
    return this.encoder;
  }

  get backbone(): Backbone {
    return this.encoder.backbone;
  }

  get momentumBackbone(): Backbone {
    return this.encoder.backbone;
  }

  /** Only the first view is masked and gets hard negatives. Gradients also flow through the second view. */
  sources([first]: readonly View[]): readonly View[] {
    return [first];
  }

  /**
   * Nothing can be prepared, because gradients also flow through the second view. All views pass through the encoder
   * together, so that none can be recognised by its own batch statistics.
   */
  against({ views: [, { masked: second }], negatives }: BatchViews): Compare {
    const { temperature, negativeWeight: weight, encoder } = this.options;
    const ranks = ranksOf(encoder.compute);
    return ([first]) => {
      const batch = first.shape[0];
      const parts = [first, second, ...(negatives === null ? [] : [negatives.pixels])];
      const embeddings = this.encoder.forward(ops.cat(parts)); // [(2 + M) B, dim], or [2 B + M, dim] if negatives are shared
      const inputs = {
        first: embeddings.narrow(0, 0, batch), // [B, dim]
        second: embeddings.narrow(0, batch, batch), // [B, dim]
        negatives:
          negatives === null
            ? null
            : embedded(negatives, embeddings.narrow(0, 2 * batch, embeddings.shape[0] - 2 * batch)), // of [M * B, dim]
      };
      const { loss, contrastAccuracy } = ntXent(inputs, { temperature, weight, ranks }); // [], []
      const logs = () => ({ contrastAccuracy: contrastAccuracy.item() });
      return { loss, logs, embeddings: { query: inputs.first, key: inputs.second } };
    };
  }

  embed({ views: [first, second] }: BatchViews): Embeddings {
    return { query: this.encoder.evaluate(first.masked), key: this.encoder.evaluate(second.masked) }; // [B, dim] each
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

/** LARS with the rate of SimCLR's paper, which solo-learn has too; solo-learn's LARS takes larger steps (a trust coefficient of 0.02, clipped). */
export const simclr = (method: SimClrSettings): BuiltInMaker => ({
  create: ({ seed, model, mask }, compute) => {
    const { hidden, dim, temperature } = method;
    const encoder = { backbone: model, hidden, dim, compute };
    return new SimClr({ seed, encoder, temperature, negativeWeight: mask.negative.weight });
  },
  recipe: queryAndKey,
  optimizer: () => ({ name: "lars", rate: 0.3 }),
});
