import type { nn, Tensor } from "@salmask/torch";
import { FrozenNetworkSource } from "./frozen-network.js";

/** A network that can return its last feature maps: `[B, 3, H, W]` to `[B, C, h, w]`. */
export type FeatureNetwork = nn.Module & { features(input: Tensor): Tensor };

/**
 * Selective convolutional descriptor aggregation (Wei et al. 2017) in the paper's simplified form: the saliency of a
 * cell is the sum of a frozen network's activations in it. The step that keeps only the largest connected part is
 * omitted.
 */
export class ScdaSource extends FrozenNetworkSource<FeatureNetwork> {
  readonly name = "scda";

  protected override read(input: Tensor): Tensor {
    return this.network.features(input).sum([1], { keepdim: true }); // [B, 1, h, w]
  }
}
