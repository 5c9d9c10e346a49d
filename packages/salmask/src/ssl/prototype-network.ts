import { nn, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place } from "../compute/compute.js";
import { type ProjectedEncoder, unitRows } from "../models/encoder.js";

/** An encoder whose embeddings are compared with prototypes, which it learns too. */
export class PrototypeNetwork<Prototypes extends nn.Module = nn.Module> extends nn.Module {
  constructor(
    readonly encoder: ProjectedEncoder,
    readonly prototypes: Prototypes,
    compute: Compute = onCpu,
  ) {
    super();
    place(prototypes, compute);
  }

  /** Pictures of several sizes, as `projectTogether` has them, to embeddings of length one, `[N + ..., dim]`. */
  embed(inputs: readonly Tensor[]): Tensor {
    return unitRows(this.encoder.projectTogether(inputs)); // [N + ..., dim]
  }

  /** `[B, 3, H, W]` to the scores of the prototypes, `[B, K]`. */
  forward(input: Tensor): Tensor {
    return this.prototypes.forward(this.embed([input])); // [B, K]
  }
}
