import type { Tensor } from "@salmask/torch";
import { mapPhotos } from "../map-photos.js";
import type { MapSize, SaliencySource } from "../source.js";
import { type Regions, regionsOf, toPixels } from "./regions.js";

/** A method without a network that gives each region of a photo a value. Border is that of the photo, so use it on whole photos. */
export class RegionSource implements SaliencySource {
  /** @param saliencyOf gives the saliency of regions, `[N]` in [0, 1] */
  constructor(
    readonly name: string,
    private readonly saliencyOf: (regions: Regions) => Float64Array,
  ) {}

  /** Maps in [0, 1]. A crop of one colour gives a constant map. */
  maps(crops: Tensor, size: MapSize): Tensor {
    return mapPhotos(crops, size, ({ lab, size }) => {
      const regions = regionsOf(lab, size);
      return toPixels(regions, this.saliencyOf(regions));
    }); // [B, rows, cols]
  }

  dispose(): void {}
}
