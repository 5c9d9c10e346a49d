import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** `[B, C, H, W]` to `[B, C, H', W']`: the largest value in each window. */
export class MaxPool2d extends Module {
  constructor(private readonly options: { kernelSize: number; stride?: number; padding?: number }) {
    super();
  }

  forward(input: Tensor): Tensor {
    const { kernelSize, stride = kernelSize, padding = 0 } = this.options;
    return ops.maxPool2d(input, kernelSize, { stride, padding });
  }
}

/** `[B, C, H, W]` to `[B, C, height, width]`: means over windows that divide the plane evenly. */
export class AdaptiveAvgPool2d extends Module {
  constructor(private readonly outputSize: readonly [number, number]) {
    super();
  }

  forward(input: Tensor): Tensor {
    return ops.adaptiveAvgPool2d(input, this.outputSize);
  }
}
