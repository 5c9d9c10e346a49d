import { empty } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";
import { fanIn, uniformFanIn_ } from "./init.js";
import { Module } from "./module.js";

/** The options of {@link Conv2d}, with PyTorch's defaults. */
export interface Conv2dOptions {
  kernelSize: number;
  stride?: number;
  padding?: number;
  groups?: number;
  bias?: boolean;
  /** The initial weights are drawn from it. */
  generator: Generator;
}

/**
 * `[B, in, H, W]` to `[B, out, H', W']`, like PyTorch's `Conv2d`. A float32 input on a CPU with channels last uses our
 * own kernels (native/convolution.cc) if the convolution kernel is square and there is one group, or as many as channels.
 * Their results differ from libtorch's by rounding, with a relative error of about 1e-5.
 */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly geometry: Readonly<{ stride: number; padding: number; groups: number }>;

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
