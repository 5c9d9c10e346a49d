import { choleskyInPlace, choleskySolve } from "./cholesky.js";
import { linkMatrix, type Regions } from "./regions.js";

/** Difference of looks over which two regions are no longer alike (Zhu et al. 2014, section 3.2). */
export const likeLooks = 10;
/** Smoothness between linked regions of any looks (Zhu et al. 2014, section 5). */
const leastSmoothness = 0.1;

/**
 * The values s of regions that minimise
 * `sum_i background_i s_i^2 + sum_i foreground_i (s_i - 1)^2 + sum_ij w_ij (s_i - s_j)^2`, each pair once, where `w_ij` is large for
 * linked regions of like looks (Zhu et al. 2014, section 5, in closed form). Between 0 and 1.
 *
 * @param foreground `[N]`, at least 0; at least one of both weights is above 0
 * @param background `[N]`, at least 0
 * @returns `[N]`
 */
export function smoothRegions(
  regions: Regions,
  foreground: ArrayLike<number>,
  background: ArrayLike<number>,
): Float64Array {
  const { count, differences } = regions;
  const alike = (at: number) => Math.exp(-(differences[at] ** 2) / (2 * likeLooks ** 2)) + leastSmoothness;
  const matrix = linkMatrix(regions, alike);
  for (let i = 0; i < count; i++) {
    const own = i * count + i;
    matrix[own] = matrix[own] + foreground[i] + background[i];
  }
  choleskyInPlace(matrix, count);
  return choleskySolve(matrix, Float64Array.from(foreground));
}
