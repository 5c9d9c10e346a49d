import { noGrad } from "../autograd.js";
import { empty, zeros } from "../factories.js";
import * as ops from "../ops.generated.js";
import type { Generator } from "../random.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { xavierUniform_ } from "./init.js";
import { Linear } from "./linear.js";
import { type AnyModule, Module } from "./module.js";

/**
 * Self-attention (Vaswani et al. 2017, section 3.2), with the names of PyTorch's `MultiheadAttention`, and equal to it with
 * `batch_first` and one input as query, key and value. `[B, N, D]` to the same shape.
 */
export class MultiheadAttention extends Module {
  readonly inProjWeight: Tensor;
  readonly inProjBias: Tensor;
  readonly outProj: Linear;

  /** Throws a `RangeError` unless the heads divide `embedDim`. */
  constructor(
    private readonly embedDim: number,
    private readonly heads: number,
    { generator }: { generator: Generator },
  ) {
    super();
    if (embedDim % heads !== 0)
      throw new RangeError(`Expected heads that divide ${embedDim} features, got ${heads}.`);
    const weight = xavierUniform_(empty([3 * embedDim, embedDim]), generator);
    this.inProjWeight = this.registerParameter("in_proj_weight", weight);
    this.inProjBias = this.registerParameter("in_proj_bias", zeros([3 * embedDim]));
    this.outProj = new Linear(embedDim, embedDim, { generator });
    noGrad(() => this.outProj.bias?.zero_());
  }

  override *children(): Iterable<[string, AnyModule]> {
    yield ["out_proj", this.outProj];
  }

  /**
   * Runs the layer.
   *
   * @param keyPaddingMask bool `[B, N]`: true for tokens that none attends to; at least one must be false in each row
   */
  forward(input: Tensor, keyPaddingMask: Tensor | null = null): Tensor {
    const [batch, length] = input.shape;
    return scope(() => {
      const { query, key, value } = this.project(input); // [B, heads, N, D / heads] each
      const seen = this.shares(query, key, keyPaddingMask).matmul(value); // [B, heads, N, D / heads]
      return this.outProj.forward(seen.transpose(1, 2).reshape([batch, length, this.embedDim])); // [B, N, D]
    });
  }

  /** How much of each token the others take, `[B, heads, N, N]`: of a row's token from a column's. Rows add up to 1. */
  weights(input: Tensor): Tensor {
    return scope(() => {
      const { query, key } = this.project(input);
      return this.shares(query, key, null); // [B, heads, N, N]
    });
  }

  private project(input: Tensor): { query: Tensor; key: Tensor; value: Tensor } {
    const [batch, length] = input.shape;
    const [query, key, value] = ops
      .linear(input, this.inProjWeight, { bias: this.inProjBias }) // [B, N, 3 D]
      .reshape([batch, length, 3, this.heads, this.embedDim / this.heads])
      .permute([2, 0, 3, 1, 4]) // [3, B, heads, N, D / heads]
      .unbind();
    return { query, key, value };
  }

  private shares(query: Tensor, key: Tensor, keyPaddingMask: Tensor | null): Tensor {
    const scores = query.mul((this.embedDim / this.heads) ** -0.5).matmul(key.transpose(2, 3)); // [B, heads, N, N]
    if (keyPaddingMask === null) return scores.softmax(3);
    const mask = keyPaddingMask.unsqueeze(1).unsqueeze(2); // [B, 1, 1, N]
    return scores.maskedFill(mask, Number.NEGATIVE_INFINITY).softmax(3);
  }
}
