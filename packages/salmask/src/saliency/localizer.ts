import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { type Compute, onCpu } from "../compute/compute.js";
import { resize } from "../image/resize.js";
import { bell, helpingSpread } from "./bell.js";
import { type FeatureNetwork, ScdaSource } from "./scda.js";
import type { MapSize, SaliencySource } from "./source.js";

/**
 * SCDA of a network that was trained to find objects (`salmask saliency train`). Its input is resized to the side of
 * its training crops, and its map is multiplied by a bell in the centre, like the map of its teacher.
 */
export class LocalizerSource implements SaliencySource {
  readonly name = "localizer";
  private readonly activation: ScdaSource;

  /** Takes ownership of the network and moves it to its device. `side` in pixels. */
  constructor(
    network: FeatureNetwork,
    private readonly side: number,
    compute: Compute = onCpu,
  ) {
    this.activation = new ScdaSource(network, undefined, compute);
  }

  maps(crops: Tensor, size: MapSize): Tensor {
    const { rows, cols } = size;
    return noGrad(() =>
      scope(() => {
        const maps = this.activation.maps(resize(crops, [this.side, this.side]), size); // [B, rows, cols]
        const above = maps.sub(maps.amin({ dim: [1, 2], keepdim: true })); // [B, rows, cols]
        const { device } = crops;
        const weights = fromTypedArray(bell(rows, cols, helpingSpread), [1, rows, cols], { device }); // [1, rows, cols]
        return above.mul(weights); // [B, rows, cols]
      }),
    );
  }

  dispose(): void {
    this.activation.dispose();
  }
}
