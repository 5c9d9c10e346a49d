import { ones, zeros } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** Normalisation of each sample over groups of its channels, as PyTorch's `GroupNorm`. `[B, C, ...]` to the same. */
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
    // CUDA's autocast computes this in full; the CPU's leaves it as it is, and libtorch 1.13's kernel takes one type only.
    const full = input.dtype === weight.dtype ? input : input.to({ dtype: weight.dtype });
    return ops.groupNorm(full, this.groups, { weight, bias, eps });
  }
}
