import { toUnitRange } from "../unit-range.js";
import { choleskyInPlace, choleskySolve, diagonalOfInverse } from "./cholesky.js";
import { linkMatrix, linkScale, type Regions } from "./regions.js";

/** How much the ranking follows the links against the queries, alpha in the paper. */
const following = 0.99;

/**
 * The saliency of regions `[N]`, scaled to [0, 1]; all 0 where all look the same (Yang et al. 2013, "Saliency Detection via Graph-Based
 * Manifold Ranking", section 4): regions unlike each of the four sides are ranked by their likeness with one another.
 */
export function manifoldRanking(regions: Regions): Float64Array {
  const { count, sides } = regions;
  const scale = linkScale(regions);
  if (scale === null) return new Float64Array(count);
  const rank = rankingOf(regions, scale);
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
function rankingOf(regions: Regions, scale: number): (queries: Float64Array) => Float64Array {
  const { count, differences } = regions;
  const matrix = linkMatrix(regions, (at) => Math.exp(-scale * differences[at]), following);
  choleskyInPlace(matrix, count);
  const own = diagonalOfInverse(matrix, count);
  return (queries) => choleskySolve(matrix, queries).map((value, i) => value - own[i] * queries[i]);
}
