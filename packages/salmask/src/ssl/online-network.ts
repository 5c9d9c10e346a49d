import { type Generator, nn, type Tensor } from "@salmask/torch";
import { type Compute, inPrecision, onCpu, place } from "../compute/compute.js";
import { type ProjectedEncoder, unitRows } from "../models/encoder.js";
import { mlpHead } from "../models/mlp-head.js";

/** An encoder with a predictor on top, which says what the target's embedding of the other view will be. */
export class OnlineNetwork extends nn.Module {
  constructor(
    readonly encoder: ProjectedEncoder,
    readonly predictor: nn.Module,
    private readonly compute: Compute = onCpu,
  ) {
    super();
    place(predictor, compute);
  }

  /** `[B, 3, H, W]` to predictions of length one, `[B, dim]`. */
  forward(input: Tensor): Tensor {
    const projected = this.encoder.project(input); // [B, dim]
    const predicted = inPrecision(this.compute, () => this.predictor.forward(projected)); // [B, dim]
    return unitRows(predicted.to({ dtype: "float32" })); // [B, dim]
  }
}

/** Two linear layers, with batch norm and ReLU between them. `[B, dim]` to the same. */
export function predictorOf(
  { dim, hidden }: { dim: number; hidden: number },
  generator: Generator,
): nn.Module {
  return mlpHead({ widths: [dim, hidden, dim], lastNorm: "none", generator });
}
