import type { nn, Tensor } from "@salmask/torch";
import { type Compute, onCpu } from "../compute/compute.js";
import { resize } from "../image/resize.js";
import { FrozenNetworkSource } from "./frozen-network.js";

/**
 * A network that was trained to find objects (`salmask saliency train`). Its input is resized to one side. The saliency of a cell is the mean
 * of the probability that a place in it belongs to the object, 0 to 1.
 */
export class LocalizerSource extends FrozenNetworkSource<nn.Module> {
  readonly name = "localizer";

  /**
   * Takes ownership of the network, `[B, 3, side, side]` to logits `[B, 1, h, w]`, and moves it to its device. `side` in pixels.
   */
  constructor(network: nn.Module, side: number, compute: Compute = onCpu) {
    super(network, (crops) => resize(crops, [side, side]), compute);
  }

  protected override read(input: Tensor): Tensor {
    return this.network.forward(input).sigmoid(); // [B, 1, h, w]
  }
}
