import { ones, zeros } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** Normalisation of each sample over groups of its channels, like PyTorch's `GroupNorm`. `[B, C, ...]` to the same shape. */
export class GroupNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  private readonly eps: number;

  constructor(
    private readonly groups: number,
    channels: number,
    options: { eps?: number } = {},
  ) {
    super();
    this.eps = options.eps ?? 1e-5;
    this.weight = this.registerParameter("weight", ones([channels]));
    this.bias = this.registerParameter("bias", zeros([channels]));
  }

  forward(input: Tensor): Tensor {
    const { weight, bias, eps } = this;
    // CUDA's autocast computes this in float32. The CPU's does not, and the kernel of libtorch 1.13 accepts only one
    // type.
    const full = input.dtype === weight.dtype ? input : input.to({ dtype: weight.dtype });
    return ops.groupNorm(full, this.groups, { weight, bias, eps });
  }
}
