import { type Generator, nn, type Tensor } from "@salmask/torch";

/** MoCo v2's head: two linear layers with a ReLU between them, no normalisation (Chen et al. 2020, section 2). */
export class Projector extends nn.Module {
  readonly mlp: nn.Sequential;

  constructor(inFeatures: number, hidden: number, outFeatures: number, generator: Generator) {
    super();
    this.mlp = new nn.Sequential(
      new nn.Linear(inFeatures, hidden, { generator }),
      new nn.ReLU(),
      new nn.Linear(hidden, outFeatures, { generator }),
    );
  }

  /** `[B, inFeatures]` to `[B, outFeatures]`. */
  forward(input: Tensor): Tensor {
    return this.mlp.forward(input);
  }
}
