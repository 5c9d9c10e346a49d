import { empty } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { fanIn, uniformFanIn_ } from "./init.js";
import { Module } from "./module.js";

export interface Conv2dOptions {
  kernelSize: number;
  stride?: number;
  padding?: number;
  groups?: number;
  bias?: boolean;
  /** The weights' start is drawn from it. */
  generator: Generator;
}

/**
 * `[B, in, H, W]` to `[B, out, H', W']`, as PyTorch's `Conv2d`. An input of float32 on a CPU with its channels last goes
 * through kernels of our own (native/convolution.cc) where its kernel is square and there are no groups; what they make
 * differs from libtorch's by rounding, about 1e-5 of its size.
 */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  private readonly geometry: { stride: number; padding: number; groups: number };

  constructor(inChannels: number, outChannels: number, options: Conv2dOptions) {
    super();
    const { kernelSize, stride = 1, padding = 0, groups = 1, bias = true, generator } = options;
    this.geometry = { stride, padding, groups };
    const weight = empty([outChannels, inChannels / groups, kernelSize, kernelSize]);
    this.weight = this.registerParameter("weight", uniformFanIn_(weight, fanIn(weight), generator));
    this.bias = bias
      ? this.registerParameter("bias", uniformFanIn_(empty([outChannels]), fanIn(weight), generator))
      : null;
  }

  forward(input: Tensor): Tensor {
    return ops.fastConv2d(input, this.weight, { bias: this.bias, ...this.geometry });
  }
}
