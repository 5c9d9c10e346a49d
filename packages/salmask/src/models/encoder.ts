import { type Generator, nn, noGrad, type Tensor } from "@salmask/torch";
import { Projector } from "./projector.js";
import { type ResNet, type ResNetOptions, resnet } from "./resnet.js";

/** A backbone and the head that the contrastive loss sees; only the backbone is kept after training. */
export class ProjectedEncoder extends nn.Module {
  constructor(
    readonly backbone: ResNet,
    readonly projector: Projector,
  ) {
    super();
  }

  /** `[B, 3, H, W]` to embeddings of length one, `[B, dim]`. */
  forward(input: Tensor): Tensor {
    const projected = this.projector.forward(this.backbone.forward(input)); // [B, dim]
    return normalize(projected); // [B, dim]
  }

  /**
   * The same in evaluation: by running statistics, which it leaves alone, so that a row does not depend on its batch.
   * The mode is put back.
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

/** Rows of length one. `[B, dim]` to the same; a row of zeros stays. */
export function normalize(x: Tensor): Tensor {
  return x.div(x.norm(2, [1], { keepdim: true }).clampMin(1e-12)); // [B, dim]
}

export interface EncoderOptions extends Omit<ResNetOptions, "generator"> {
  /** Width of the projector's middle; the paper's is the backbone's output. */
  hidden?: number;
  /** Length of the embeddings. */
  dim: number;
}

/** A fresh encoder with its head, drawn from the generator. */
export function projectedEncoder(options: EncoderOptions, generator: Generator): ProjectedEncoder {
  const backbone = resnet({ ...options, generator });
  const hidden = options.hidden ?? backbone.outChannels;
  return noGrad(
    () => new ProjectedEncoder(backbone, new Projector(backbone.outChannels, hidden, options.dim, generator)),
  );
}
