/** What several methods without a network agree on, drawn to the photo's edges. */
import type { Tensor } from "@salmask/torch";
import { barrierMap } from "../barrier/barrier-map.js";
import { bell } from "../bell.js";
import { mapPhotos, type Picture } from "../map-photos.js";
import type { MapSize, SaliencySource } from "../source.js";
import { otsu } from "../threshold.js";
import { toUnitRange } from "../unit-range.js";
import { backgroundDetection } from "./background-detection.js";
import { cellularAutomaton } from "./cellular-automaton.js";
import { manifoldRanking } from "./manifold-ranking.js";
import { raiseContrast } from "./raise-contrast.js";
import { refine } from "./refine.js";
import { meansOf, regionsOf, toPixels } from "./regions.js";

/** Standard deviation of the bell in the centre, as a share of the side. Wide: the corners of a photo still weigh 0.37. */
const spread = 0.5;

/**
 * The mean of minimum barrier (Zhang et al. 2015), robust background detection (Zhu et al. 2014), manifold ranking (Yang
 * et al. 2013) and a cellular automaton (Qin et al. 2015), then drawn to the photo's edges. Each counts by what it calls
 * object: its values, times a wide bell, are drawn apart at Otsu's threshold, as one bright spot dims the rest of an object.
 * Needs no network. Border and centre are those of the photo, so use it on whole photos.
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
export function consensus(picture: Picture): Float32Array {
  const { lab, size } = picture;
  const regions = regionsOf(lab, size);
  const weights = meansOf(regions, bell(size.height, size.width, spread)); // [N]
  const votes = [
    meansOf(regions, barrierMap(picture)),
    backgroundDetection(regions),
    manifoldRanking(regions),
    cellularAutomaton(regions),
  ].map((values) => {
    const weighted = toUnitRange(values.map((value, region) => value * weights[region]));
    return raiseContrast(weighted, otsu(weighted));
  });
  const mean = weights.map((_, region) => votes.reduce((sum, vote) => sum + vote[region], 0) / votes.length);
  return toPixels(regions, refine(regions, mean));
}
