import { ones, zeros } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/** Normalisation of each vector along the last axis, like PyTorch's `LayerNorm`. `[..., features]` to the same shape. */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  private readonly eps: number;

  constructor(
    private readonly features: number,
    options: { eps?: number } = {},
  ) {
    super();
    this.eps = options.eps ?? 1e-5;
    this.weight = this.registerParameter("weight", ones([features]));
    this.bias = this.registerParameter("bias", zeros([features]));
  }

  forward(input: Tensor): Tensor {
    const { weight, bias, eps } = this;
    // As in GroupNorm: the kernel of libtorch 1.13 accepts only one type.
    const full = input.dtype === weight.dtype ? input : input.to({ dtype: weight.dtype });
    return ops.layerNorm(full, [this.features], { weight, bias, eps });
  }
}
