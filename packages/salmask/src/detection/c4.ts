/** He et al. 2016's design: the encoder's last level looks at regions of the level before (R-C4). */
import { nn, type Tensor } from "@salmask/torch";
import { type Compute, runLayers } from "../compute/compute.js";
import type { Backbone } from "../models/backbone.js";
import { BoxHead, type RegionFeatures } from "./box-head.js";

/** Places of a region along each side, before the last level halves them. */
export const c4Side = 14;

/**
 * Regions `[R, C, 14, 14]` to the last level's feature maps `[R, outChannels, 7, 7]` and their means. The level's weights stay
 * the encoder's in the state dict, so that those of a pre-trained one fit by name.
 */
export class C4Head extends BoxHead {
  override readonly width: number;
  /** Between the last level and the mean, as in MoCo's detectors (He et al. 2020, appendix); null where there is none. */
  readonly norm: nn.BatchNorm2d | null;
  readonly #stage: nn.Module;
  readonly #compute: Compute;

  constructor(body: Backbone, options: { readonly norm: boolean; readonly compute: Compute }) {
    super();
    this.#stage = body.stages[body.stages.length - 1];
    this.#compute = options.compute;
    this.width = body.outChannels;
    this.norm = options.norm ? new nn.BatchNorm2d(this.width) : null;
  }

  override learned(): Tensor[] {
    return [...this.#stage.parameters(), ...this.parameters()];
  }

  forward(regions: Tensor): RegionFeatures {
    const maps = runLayers(this.#compute, regions, (input) => {
      const seen = this.#stage.forward(input); // [R, outChannels, 7, 7]
      return this.norm === null ? seen : this.norm.forward(seen);
    });
    const [, , rows, columns] = maps.shape;
    // The gradient of `mean` would be made whole, as large as the maps of all regions; that of `sum` is not.
    return { vectors: maps.sum([2, 3]).div(rows * columns), maps }; // [R, outChannels]
  }
}
