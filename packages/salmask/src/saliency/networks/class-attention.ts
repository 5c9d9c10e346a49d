import type { nn, Tensor } from "@salmask/torch";
import type { Compute } from "../../compute/compute.js";
import { type Backbone, type ClassAttention, hasClassToken } from "../../models/backbone.js";
import type { SaliencySource } from "../source.js";
import { FrozenNetworkSource } from "./frozen-network.js";
import { ScdaSource } from "./scda.js";

/**
 * The saliency of a cell is how much a frozen transformer's class token attends to it in the last block, mean over the heads
 * (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers").
 */
export class ClassAttentionSource extends FrozenNetworkSource<nn.Module & ClassAttention> {
  readonly name = "class-attention";

  protected override read(input: Tensor): Tensor {
    return this.network.classAttention(input); // [B, 1, h, w]
  }
}

/**
 * The saliency of a backbone, which the source takes ownership of: the attention of its class token, or SCDA where it has none. The sum
 * of a transformer's features says nothing, as layer norm centres them.
 */
export function saliencyOf(
  backbone: Backbone,
  prepare: (crops: Tensor) => Tensor,
  compute?: Compute,
): SaliencySource {
  return hasClassToken(backbone)
    ? new ClassAttentionSource(backbone, prepare, compute)
    : new ScdaSource(backbone, prepare, compute);
}
