/** DINO's head (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", appendix C). */
import { empty, type Generator, nn, noGrad, ops, type Tensor } from "@salmask/torch";
import { type ProjectorMaker, unitRows } from "./encoder.js";

/** Standard deviation of a new layer's weights. */
const spread = 0.02;

function linear(inner: number, outer: number, generator: Generator): nn.Linear {
  const layer = new nn.Linear(inner, outer, { generator });
  layer.weight.normal_({ std: spread, generator });
  layer.bias?.zero_();
  return layer;
}

/**
 * Three linear layers with GELU between them; before each GELU batch norm, if it is asked for. `[B, features]` to `[B, dim]`.
 */
export function dinoProjector({ isNormalised }: { isNormalised: boolean }): ProjectorMaker {
  return ({ features, hidden, dim, generator }) =>
    noGrad(() => {
      const between = () => (isNormalised ? [new nn.BatchNorm1d(hidden), new nn.GELU()] : [new nn.GELU()]);
      return new nn.Sequential(
        linear(features, hidden, generator),
        ...between(),
        linear(hidden, hidden, generator),
        ...between(),
        linear(hidden, dim, generator),
      );
    });
}

/** A linear layer without bias, each of whose outputs has a weight of length one: weight normalisation with a gain that stays 1. */
export class UnitLinear extends nn.Module {
  readonly weight: Tensor;

  constructor(inFeatures: number, outFeatures: number, generator: Generator) {
    super();
    const drawn = nn.uniformFanIn_(empty([outFeatures, inFeatures]), inFeatures, generator);
    this.weight = this.registerParameter("weight", drawn);
  }

  /** `[B, inFeatures]` to `[B, outFeatures]`. */
  forward(input: Tensor): Tensor {
    return ops.linear(input, unitRows(this.weight));
  }
}
