import { otsu } from "../threshold.js";
import { toUnitRange } from "../unit-range.js";
import { type Regions, squaredDistance } from "./regions.js";
import { likeLooks, smoothRegions } from "./smooth-regions.js";

/** How far the contrast to other regions reaches, as a share of the picture's side (from the paper). */
const contrastReach = 0.25;
/** Boundary connectivity above which a region is background (from the paper). */
const connected = 1;

/**
 * The saliency of regions `[N]`, scaled to [0, 1] (Zhu et al. 2014, "Saliency Optimization from Robust Background Detection", sections 3
 * to 5): a region is background if much of the area that looks like it lies along the picture's border. An object may touch the border.
 */
export function backgroundDetection(regions: Regions): Float64Array {
  const background = backgroundProbability(regions);
  const foreground = weightedContrast(regions, background);
  return toUnitRange(smoothRegions(regions, foreground, background));
}

/**
 * The probability that a region is background, `[N]`, from its boundary connectivity: of the regions that can be reached
 * without much change of looks, those on the border, divided by the root of all.
 */
export function backgroundProbability(regions: Regions): Float64Array {
  const { count, onBorder } = regions;
  const distances = geodesicDistances(regions, 5 * likeLooks);
  return Float64Array.from({ length: count }, (_, i) => {
    let [area, border] = [0, 0];
    for (let j = 0; j < count; j++) {
      const distance = distances[Math.max(i, j) * count + Math.min(i, j)];
      const near = Math.exp(-(distance ** 2) / (2 * likeLooks ** 2));
      area += near;
      border += onBorder[j] * near;
    }
    return 1 - Math.exp(-(border ** 2 / area) / (2 * connected ** 2));
  });
}

/**
 * The length of the shortest path between regions in changes of looks, `[N * N]`, of which only the lower triangle is
 * filled. Paths longer than `longest` may get a larger value. Regions on the border are linked with each other. Changes that are
 * usual between the most alike neighbours do not count, so that they do not add up (Wei et al. 2012, section 3.2).
 */
function geodesicDistances(
  { count, differences, neighbours, sides }: Regions,
  longest: number,
): Float64Array {
  const usual =
    neighbours.reduce(
      (sum, around, i) =>
        sum + (around.length === 0 ? 0 : Math.min(...around.map((j) => differences[i * count + j]))),
      0,
    ) / count;
  const distances = new Float64Array(count * count).fill(Number.POSITIVE_INFINITY);
  const link = (i: number, j: number) => {
    if (i > j) distances[i * count + j] = Math.max(0, differences[i * count + j] - usual);
  };
  for (const [i, around] of neighbours.entries()) for (const j of around) link(i, j);
  const border = sides.flat();
  for (const i of border) for (const j of border) link(i, j);
  for (let i = 0; i < count; i++) distances[i * count + i] = 0;
  // Floyd and Warshall's algorithm.
  const through = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    for (let j = 0; j < count; j++) through[j] = distances[Math.max(j, k) * count + Math.min(j, k)];
    for (let i = 0; i < count; i++) {
      const first = through[i];
      if (first > longest) continue;
      const row = i * count;
      for (let j = 0; j < i; j++) {
        const length = first + through[j];
        if (length < distances[row + j]) distances[row + j] = length;
      }
    }
  }
  return distances;
}

/** How much a region's looks differ from near background, `[N]` in [0, 1]; values below Otsu's threshold become 0. */
function weightedContrast(regions: Regions, background: Float64Array): Float64Array {
  const { count, differences } = regions;
  const contrast = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const near = Math.exp(-squaredDistance(regions, i, j) / (2 * contrastReach ** 2));
      contrast[i] += differences[i * count + j] * near * background[j];
    }
  }
  toUnitRange(contrast);
  const least = otsu(contrast);
  return contrast.map((value) => (value < least ? 0 : value));
}
