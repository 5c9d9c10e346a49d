import { type Generator, nn, noGrad, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../compute/compute.js";
import type { Backbone, BackboneSpec } from "./backbone.js";
import { Projector } from "./projector.js";
import { createBackbone } from "./registry.js";

/** A backbone and a projection head. The contrastive loss uses both; only the backbone is kept after training. */
export class ProjectedEncoder extends nn.Module {
  constructor(
    readonly backbone: Backbone,
    readonly projector: Projector,
    private readonly compute: Compute = onCpu,
  ) {
    super();
    place(this, compute);
  }

  /** `[B, 3, H, W]` to embeddings of length one, `[B, dim]`. */
  forward(input: Tensor): Tensor {
    const layers = (pictures: Tensor) => this.projector.forward(this.backbone.forward(pictures));
    return unitRows(runLayers(this.compute, input, layers)); // [B, dim]
  }

  /**
   * The same in evaluation mode: it uses the running statistics and does not update them, so a row does not depend on
   * its batch. Restores the previous mode.
   */
  evaluate(input: Tensor): Tensor {
    const wasTraining = this.training;
    this.eval();
    try {
      return noGrad(() => this.forward(input)); // [B, dim]
    } finally {
      this.train(wasTraining);
    }
  }
}

/** Scales rows to length one. `[B, dim]` to the same; a row of zeros stays zero. */
export function unitRows(x: Tensor): Tensor {
  return x.div(x.norm(2, [1], { keepdim: true }).clampMin(1e-12)); // [B, dim]
}

export interface EncoderOptions {
  readonly backbone: BackboneSpec;
  /** Width of the projector's hidden layer; in the paper it is that of the backbone's output. */
  readonly hidden?: number;
  /** Length of the embeddings. */
  readonly dim: number;
  /** Default: the CPU in float32. */
  readonly compute?: Compute;
}

/**
 * A new encoder with its head, with random weights from the generator. The weights are drawn on the CPU and then moved,
 * so that a seed gives the same start on every device.
 */
export function projectedEncoder(options: EncoderOptions, generator: Generator): ProjectedEncoder {
  const { dim, compute } = options;
  const backbone = createBackbone(options.backbone, generator);
  const hidden = options.hidden ?? backbone.outChannels;
  return noGrad(() => {
    const projector = new Projector(backbone.outChannels, hidden, dim, generator);
    return new ProjectedEncoder(backbone, projector, compute);
  });
}
