/**
 * The structure measure (Fan et al. 2017, "Structure-Measure: A New Way to Evaluate Foreground Maps"): the mean of the
 * similarity of the object and the similarity of the four regions around its centroid.
 */

/** Weight of the object similarity, alpha in the paper. */
const objectShare = 0.5;
const epsilon = Number.EPSILON;

/** Statistics of a part of the pixels. */
interface Moments {
  count: number;
  mean: number;
  /** Unbiased. */
  deviation: number;
}

function momentsOf(values: readonly number[]): Moments {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, count);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / Math.max(1, count - 1)) };
}

/** Score of the brightness and evenness of a part: `2 x / (x^2 + 1 + s)`. */
function partScore(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const { mean, deviation } = momentsOf(values);
  return (2 * mean) / (mean * mean + 1 + deviation + epsilon);
}

function objectScore(map: Float64Array, mask: Uint8Array): number {
  const inside: number[] = [];
  const outside: number[] = [];
  for (let i = 0; i < map.length; i++) {
    if (mask[i] === 1) inside.push(map[i]);
    else outside.push(1 - map[i]);
  }
  const share = inside.length / map.length;
  return share * partScore(inside) + (1 - share) * partScore(outside);
}

/** Rows from `top` to `bottom - 1`, columns from `left` to `right - 1`. */
interface Region {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/** Structural similarity of map and mask within a region, without the constants of SSIM. */
function similarity(map: Float64Array, mask: Uint8Array, width: number, region: Region): number {
  const x: number[] = [];
  const y: number[] = [];
  for (let row = region.top; row < region.bottom; row++) {
    for (let col = region.left; col < region.right; col++) {
      x.push(map[row * width + col]);
      y.push(mask[row * width + col]);
    }
  }
  const [mx, my] = [momentsOf(x), momentsOf(y)];
  const degrees = x.length - 1 + epsilon;
  const covariance = x.reduce((sum, value, i) => sum + (value - mx.mean) * (y[i] - my.mean), 0) / degrees;
  const spread = (values: readonly number[], mean: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / degrees;
  const above = 4 * mx.mean * my.mean * covariance;
  const below = (mx.mean ** 2 + my.mean ** 2) * (spread(x, mx.mean) + spread(y, my.mean));
  if (above !== 0) return above / (below + epsilon);
  return below === 0 ? 1 : 0;
}

function regionScore(map: Float64Array, mask: Uint8Array, width: number): number {
  const height = mask.length / width;
  let [sumX, sumY, count] = [0, 0, 0];
  for (const [i, on] of mask.entries()) {
    if (on === 0) continue;
    sumX += i % width;
    sumY += Math.floor(i / width);
    count++;
  }
  // The row and column of the centroid belong to the upper left region.
  const right = Math.round(sumX / count) + 1;
  const bottom = Math.round(sumY / count) + 1;
  const regions: Region[] = [
    { top: 0, bottom, left: 0, right },
    { top: 0, bottom, left: right, right: width },
    { top: bottom, bottom: height, left: 0, right },
    { top: bottom, bottom: height, left: right, right: width },
  ];
  return regions.reduce((sum, region) => {
    const area = (region.bottom - region.top) * (region.right - region.left);
    return area === 0 ? sum : sum + (area / mask.length) * similarity(map, mask, width, region);
  }, 0);
}

/**
 * The structure measure of a map, 0 to 1; 1 is best.
 *
 * @param map `[H * W]` in [0, 1]
 * @param mask `[H * W]`, 0 or 1; if it contains only one of them, the measure depends on the map's mean
 */
export function structureMeasure(map: Float64Array, mask: Uint8Array, width: number): number {
  const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
  if (!mask.includes(1)) return 1 - mean;
  if (!mask.includes(0)) return mean;
  const score = objectShare * objectScore(map, mask) + (1 - objectShare) * regionScore(map, mask, width);
  return Math.max(0, score);
}
