import { Generator, KeyedRandom, type nn, ops } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { negativesOfQueries } from "../masking/mask.js";
import { type EncoderOptions, type ProjectedEncoder, projectedEncoder } from "../models/encoder.js";
import type { ResNet } from "../models/resnet.js";
import type { Compare, Embeddings, Method, Others, StepResult, Views } from "./method.js";
import { ntXent } from "./nt-xent.js";

export interface SimClrOptions {
  seed: number;
  encoder: EncoderOptions;
  /** tau */
  temperature: number;
  /** rho, the factor on a hard negative's similarity. */
  negativeWeight: number;
}

/**
 * SimCLR (Chen et al. 2020): one encoder for both views, and the rest of the batch to tell them from. The paper shows its
 * masks on SimCLR too but gives no code; here the first view is masked, the second clean, and the hard negative is
 * seen by the first view's row alone.
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

  get backbone(): ResNet {
    return this.encoder.backbone;
  }

  get momentumBackbone(): ResNet {
    return this.encoder.backbone;
  }

  /** Nothing can be got ready: the key's view is learned from too, and goes through the encoder beside the query's. */
  against(others: Others): Compare {
    return (query) => this.compare({ ...others, query });
  }

  /** All views go through the encoder together, so that none is normalised by statistics that give it away. */
  private compare(views: Views): StepResult {
    const batch = views.query.shape[0];
    const parts = [views.query, views.key, ...(views.negatives === null ? [] : [views.negatives])];
    const embeddings = this.encoder.forward(ops.cat(parts)); // [(2 + M) B, dim], or [2 B + M, dim] where negatives are shared
    const inputs = {
      first: embeddings.narrow(0, 0, batch), // [B, dim]
      second: embeddings.narrow(0, batch, batch), // [B, dim]
      negatives:
        views.negatives === null
          ? null
          : negativesOfQueries(embeddings.narrow(0, 2 * batch, embeddings.shape[0] - 2 * batch), views), // [M * B, dim]
      negativeValid: views.negativeValid,
    };
    const { temperature, negativeWeight: weight } = this.options;
    return { ...ntXent(inputs, { temperature, weight }), query: inputs.first, key: inputs.second };
  }

  embed({ query, key }: Pick<Views, "query" | "key">): Embeddings {
    return { query: this.encoder.evaluate(query), key: this.encoder.evaluate(key) }; // [B, dim] each
  }

  afterStep(): void {}

  queueFill(): null {
    return null;
  }

  state(): nn.StateDict {
    return this.encoder.stateDict();
  }

  counters(): Record<string, number> {
    return {};
  }

  loadState(state: nn.StateDict): void {
    this.encoder.loadStateDict(
      Object.fromEntries(Object.keys(this.encoder.stateDict()).map((name) => [name, state[name]])),
    );
  }

  dispose(): void {
    this.encoder.dispose();
  }
}
