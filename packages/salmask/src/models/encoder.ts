import { type Generator, nn, noGrad, ops, type Tensor } from "@salmask/torch";
import { type Compute, inPrecision, onCpu, place, runLayers } from "../compute/compute.js";
import type { Backbone, BackboneSpec } from "./backbone.js";
import { Projector } from "./projector.js";
import { createBackbone } from "./registry.js";

/** A backbone and a projection head. The contrastive loss uses both; only the backbone is kept after training. */
export class ProjectedEncoder extends nn.Module {
  constructor(
    readonly backbone: Backbone,
    readonly projector: nn.Module,
    private readonly compute: Compute = onCpu,
  ) {
    super();
    place(this, compute);
  }

  /** `[B, 3, H, W]` to the projector's output, `[B, dim]`. */
  project(input: Tensor): Tensor {
    const layers = (pictures: Tensor) => this.projector.forward(this.backbone.forward(pictures));
    return runLayers(this.compute, input, layers); // [B, dim]
  }

  /**
   * Pictures of several sizes, `[N, 3, H, W]` with an N, H and W of their own each, to the projector's outputs in the same order,
   * `[N + ..., dim]`. Each size passes through the backbone alone, and all together through the projector.
   */
  projectTogether(inputs: readonly Tensor[]): Tensor {
    const layers = (pictures: Tensor) => this.backbone.forward(pictures);
    const features = ops.cat(inputs.map((input) => runLayers(this.compute, input, layers))); // [N + ..., features]
    const projected = inPrecision(this.compute, () => this.projector.forward(features)); // [N + ..., dim]
    return projected.to({ dtype: "float32" });
  }

  /** `[B, 3, H, W]` to embeddings of length one, `[B, dim]`. */
  forward(input: Tensor): Tensor {
    return unitRows(this.project(input)); // [B, dim]
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

/** Makes the head of an encoder: from its output to the embeddings. */
export type ProjectorMaker = (options: {
  readonly features: number;
  readonly hidden: number;
  readonly dim: number;
  readonly generator: Generator;
}) => nn.Module;

/** MoCo v2's and SimCLR's head: see {@link Projector}. */
const withoutNorm: ProjectorMaker = ({ features, hidden, dim, generator }) =>
  new Projector(features, hidden, dim, generator);

/**
 * A new encoder with its head, with random weights from the generator. The weights are drawn on the CPU and then moved,
 * so that a seed gives the same start on every device.
 */
export function projectedEncoder(
  options: EncoderOptions,
  generator: Generator,
  projectorOf: ProjectorMaker = withoutNorm,
): ProjectedEncoder {
  const { dim, compute } = options;
  const backbone = createBackbone(options.backbone, generator);
  const features = backbone.outChannels;
  const { hidden = features } = options;
  return noGrad(
    () => new ProjectedEncoder(backbone, projectorOf({ features, hidden, dim, generator }), compute),
  );
}
