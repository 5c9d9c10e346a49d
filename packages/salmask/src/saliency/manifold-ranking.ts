import type { Tensor } from "@salmask/torch";
import { choleskyInPlace, choleskySolve, diagonalOfInverse } from "./cholesky.js";
import { mapPhotos } from "./map-photos.js";
import { type Regions, regionsOf, toPixels } from "./regions.js";
import type { MapSize, SaliencySource } from "./source.js";
import { toUnitRange } from "./unit-range.js";

/** How much the ranking follows the links against the queries, alpha in the paper. */
const following = 0.99;
/** How fast a link weakens with the difference of looks, of which the largest is 1; 1 / sigma^2 in the paper. */
const weakening = 10;
/** In CIELAB. Smaller differences are rounding errors. */
const leastDifference = 1e-3;

/**
 * Yang et al. 2013, "Saliency Detection via Graph-Based Manifold Ranking": regions unlike each of the four sides are ranked
 * by their likeness with one another. Needs no network. Border is that of the photo, so use it on whole photos.
 */
export class ManifoldRankingSource implements SaliencySource {
  readonly name = "manifold-ranking";

  /** Maps in [0, 1]. A crop of one colour gives a constant map. */
  maps(crops: Tensor, size: MapSize): Tensor {
    return mapPhotos(crops, size, ({ lab, size }) => {
      const regions = regionsOf(lab, size);
      return toPixels(regions, manifoldRanking(regions));
    });
  }

  dispose(): void {}
}

/** The saliency of regions `[N]`, scaled to [0, 1]; all 0 where all look the same (Yang et al. 2013, section 4). */
export function manifoldRanking(regions: Regions): Float64Array {
  const { count, sides, differences, links } = regions;
  const largest = differences.reduce(
    (most, value, at) => (links[at] === 1 ? Math.max(most, value) : most),
    0,
  );
  if (largest < leastDifference) return new Float64Array(count);
  const rank = rankingOf(regions, weakening / largest);
  const unlikeSides = new Float64Array(count).fill(1);
  for (const side of sides) {
    const queries = new Float64Array(count);
    for (const region of side) queries[region] = 1;
    for (const [region, like] of toUnitRange(rank(queries)).entries()) unlikeSides[region] *= 1 - like;
  }
  const mean = unlikeSides.reduce((sum, value) => sum + value, 0) / count;
  return toUnitRange(rank(unlikeSides.map((value) => Number(value >= mean))));
}

/**
 * A function that ranks regions by their likeness with queries, `[N]` to `[N]`: `(D - alpha W)^-1 y`, without what a query
 * gives to itself. W are the strengths of the links, `exp(-scale * difference)`, D their sums.
 */
function rankingOf(
  { count, differences, links }: Regions,
  scale: number,
): (queries: Float64Array) => Float64Array {
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    let degree = 0;
    for (let j = 0; j < count; j++) {
      const at = i * count + j;
      if (links[at] === 0) continue;
      const strength = Math.exp(-scale * differences[at]);
      matrix[at] = -following * strength;
      degree += strength;
    }
    matrix[i * count + i] = degree;
  }
  choleskyInPlace(matrix, count);
  const own = diagonalOfInverse(matrix, count);
  return (queries) => choleskySolve(matrix, queries).map((value, i) => value - own[i] * queries[i]);
}
