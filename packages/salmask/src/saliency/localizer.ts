import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { type Compute, onCpu } from "../compute/compute.js";
import { resize } from "../image/resize.js";
import { bell, helpingSpread } from "./bell.js";
import { type FeatureNetwork, ScdaSource } from "./scda.js";
import type { MapSize, SaliencySource } from "./source.js";

/**
 * SCDA of a network that was trained to point at objects (`salmask saliency train`): it is shown pictures of the side that it
 * was trained with, and its map is weighed by a bell on the middle, as its teacher's is.
 */
export class LocalizerSource implements SaliencySource {
  readonly name = "localizer";
  private readonly activation: ScdaSource;

  /** Takes the network over and moves it to where it is computed. `side` in pixels. */
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
