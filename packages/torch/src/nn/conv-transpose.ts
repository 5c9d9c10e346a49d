import { empty } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { fanIn, uniformFanIn_ } from "./init.js";
import { Module } from "./module.js";

/** `[B, in, H, W]` to `[B, out, (H - 1) stride + kernel, ...]`, as PyTorch's `ConvTranspose2d` without padding. */
export class ConvTranspose2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  private readonly stride: number;

  constructor(
    inChannels: number,
    outChannels: number,
    options: { kernelSize: number; stride?: number; generator: Generator },
  ) {
    super();
    const { kernelSize, stride = 1, generator } = options;
    this.stride = stride;
    const weight = empty([inChannels, outChannels, kernelSize, kernelSize]);
    // PyTorch counts the fan-in along the second axis here too, which is that of the outputs.
    this.weight = this.registerParameter("weight", uniformFanIn_(weight, fanIn(weight), generator));
    this.bias = this.registerParameter("bias", uniformFanIn_(empty([outChannels]), fanIn(weight), generator));
  }

  forward(input: Tensor): Tensor {
    return ops.convTranspose2d(input, this.weight, { bias: this.bias, stride: this.stride });
  }
}
