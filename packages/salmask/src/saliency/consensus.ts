/** What several methods without a network agree on, refined along the photo's edges. */
import type { Tensor } from "@salmask/torch";
import { backgroundDetection } from "./background-detection.js";
import { barrierMap } from "./barrier-map.js";
import { manifoldRanking } from "./manifold-ranking.js";
import { mapPhotos, type Picture } from "./map-photos.js";
import { refine } from "./refine.js";
import { meansOf, regionsOf } from "./regions.js";
import type { MapSize, SaliencySource } from "./source.js";

/**
 * The mean of minimum barrier (Zhang et al. 2015), robust background detection (Zhu et al. 2014) and manifold ranking (Yang
 * et al. 2013), refined along edges. Needs no network. Border is that of the photo, so use it on whole photos.
 */
export class ConsensusSource implements SaliencySource {
  readonly name = "consensus";

  /** Maps in [0, 1]; values above 0.5 mean object. A crop of one colour gives a constant map. */
  maps(crops: Tensor, size: MapSize): Tensor {
    return mapPhotos(crops, size, consensus);
  }

  dispose(): void {}
}

/** `[height * width]` in [0, 1]. */
function consensus(picture: Picture): Float32Array {
  const { lab, size } = picture;
  const regions = regionsOf(lab, size);
  const teachers = [
    backgroundDetection(regions),
    manifoldRanking(regions),
    meansOf(regions, barrierMap(picture)),
  ];
  const mean = Float64Array.from(
    { length: regions.count },
    (_, i) => teachers.reduce((sum, map) => sum + map[i], 0) / teachers.length,
  );
  return refine(regions, mean, picture);
}
