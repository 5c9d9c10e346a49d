import { empty } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { uniformFanIn_ } from "./init.js";
import { Module } from "./module.js";

/** `[..., in]` to `[..., out]`, like PyTorch's `Linear`. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean; generator: Generator }) {
    super();
    const { bias = true, generator } = options;
    this.weight = this.registerParameter(
      "weight",
      uniformFanIn_(empty([outFeatures, inFeatures]), inFeatures, generator),
    );
    this.bias = bias
      ? this.registerParameter("bias", uniformFanIn_(empty([outFeatures]), inFeatures, generator))
      : null;
  }

  forward(input: Tensor): Tensor {
    return ops.linear(input, this.weight, { bias: this.bias });
  }
}
