import type { nn, Tensor } from "@salmask/torch";
import { type Compute, onCpu } from "../../compute/compute.js";
import { resize } from "../../image/resize.js";
import type { CuedPictures } from "../../models/localization-network.js";
import { borderCues } from "../barrier/border-cues.js";
import { FrozenNetworkSource } from "./frozen-network.js";

/** Longest side in pixels of the pictures whose cues are computed: larger ones cost more and point no better. */
const cueSide = 32;
/** Channels of the cues. */
export const localizerCues = 2;

/** What a localization network gets of crops `[B, 3, H, W]`. */
export const withCues = (pictures: Tensor): CuedPictures => ({
  pictures,
  cues: borderCues(pictures, cueSide), // [B, 2, h, w]
});

/**
 * A network that was trained to find objects (`salmask saliency train`). Its input is resized to one side. The saliency of a cell is the mean
 * of the probability that a place in it belongs to the object, 0 to 1.
 */
export class LocalizerSource extends FrozenNetworkSource<nn.Module<CuedPictures>> {
  readonly name = "localizer";

  /**
   * Takes ownership of the network, pictures of `[B, 3, side, side]` to logits `[B, 1, h, w]`, and moves it to its device. `side` in pixels.
   */
  constructor(network: nn.Module<CuedPictures>, side: number, compute: Compute = onCpu) {
    super(network, (crops) => resize(crops, [side, side]), compute);
  }

  protected override read(input: Tensor): Tensor {
    return this.network.forward(withCues(input)).sigmoid(); // [B, 1, h, w]
  }
}
