/** An encoder with a linear layer on top, with its library's names: of a ResNet `conv1.weight` to `layer4...`, `fc.weight`, `fc.bias`. */
import { type Generator, nn, noGrad, type Tensor } from "@salmask/torch";
import { type Compute, onCpu, place, runLayers } from "../compute/compute.js";
import type { Backbone } from "./backbone.js";

export class Classifier extends nn.Module {
  readonly fc: nn.Linear;

  /** Takes the backbone over. The linear layer starts near zero, as in the paper's linear probe. */
  constructor(
    readonly backbone: Backbone,
    classes: number,
    generator: Generator,
    private readonly compute: Compute = onCpu,
  ) {
    super();
    this.fc = noGrad(() => new nn.Linear(backbone.outChannels, classes, { generator }));
    noGrad(() => {
      this.fc.weight.normal_({ std: 0.01, generator });
      this.fc.bias?.zero_();
    });
    place(this, compute);
  }

  /** `[B, 3, H, W]` to a score per class, `[B, classes]`. */
  forward(input: Tensor): Tensor {
    return runLayers(this.compute, input, (pictures) => this.fc.forward(this.backbone.forward(pictures)));
  }

  /** The tensors under the library's names, as other tools expect a classifier. */
  weights(): nn.StateDict {
    const { weight, bias } = this.fc.stateDict();
    const name = this.backbone.classifierName;
    return { ...this.backbone.stateDict(), [`${name}.weight`]: weight, [`${name}.bias`]: bias };
  }
}
