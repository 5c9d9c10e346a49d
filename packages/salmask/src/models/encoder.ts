import { type Generator, nn, noGrad, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../compute/compute.js";
import type { Backbone, BackboneSpec } from "./backbone.js";
import { Projector } from "./projector.js";
import { createBackbone } from "./registry.js";

/** A backbone and the head that the contrastive loss sees; only the backbone is kept after training. */
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
   * The same in evaluation: by running statistics, which it leaves alone, so that a row does not depend on its batch.
   * The mode is restored.
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

/** Rows scaled to length one. `[B, dim]` to the same; a row of zeros stays. */
export function unitRows(x: Tensor): Tensor {
  return x.div(x.norm(2, [1], { keepdim: true }).clampMin(1e-12)); // [B, dim]
}

export interface EncoderOptions {
  readonly backbone: BackboneSpec;
  /** Width of the projector's middle; the paper's is the backbone's output. */
  readonly hidden?: number;
  /** Length of the embeddings. */
  readonly dim: number;
  /** The CPU in float32 where it is not given. */
  readonly compute?: Compute;
}

/**
 * A fresh encoder with its head, drawn from the generator: on the CPU, and then moved, so that a seed gives the same start
 * wherever it is computed.
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
