/** The superpixels of a photo as a graph: how they look, where they are, and which touch. */
import type { PictureSize } from "../barrier/barrier-distance.js";
import { type SuperpixelOptions, superpixels } from "./superpixels.js";

/** N regions of a picture. */
export interface Regions {
  readonly count: number;
  /** `[height * width]`: the number of each pixel's region. */
  readonly labels: Int32Array;
  /** `[N]`: pixels. */
  readonly areas: Int32Array;
  /** `[N * 2]`: y and x of the middle, each as a share of the picture's side. */
  readonly places: Float64Array;
  /**
   * `[N * 7]`: mean and standard deviation of the colours in CIELAB, and how much the lightness changes over two pixels on
   * the mean. The papers have the mean colours alone, which cannot tell fur from a wall.
   */
  readonly looks: Float64Array;
  /** `[N * N]`: Euclidean distances between the looks, in units of CIELAB. */
  readonly differences: Float64Array;
  /** `[N]`: 1 for regions that touch the picture's border. */
  readonly onBorder: Uint8Array;
  /** The regions that touch the top, the bottom, the left and the right side. */
  readonly sides: readonly (readonly number[])[];
  /** The regions that share an edge with each region, without itself. */
  readonly neighbours: readonly (readonly number[])[];
  /**
   * `[N * N]`, 1 for two regions that touch, that touch the same region, or that both touch the picture's border. The border
   * counts as one background (Yang et al. 2013, section 4.1; Zhu et al. 2014, section 5).
   */
  readonly links: Uint8Array;
}

/** How fast a link weakens with the difference of looks, of which the largest is 1; 1 / sigma^2 in Yang et al. 2013 and Qin et al. 2015. */
const weakening = 10;
/** In CIELAB. Smaller differences are rounding errors. */
const leastDifference = 1e-3;

/** Values in {@link Regions.looks}. */
const lookLength = 7;

/** Divides a picture `[3 * height * width]` in CIELAB into regions. */
export function regionsOf(lab: Float32Array, size: PictureSize, options?: SuperpixelOptions): Regions {
  const { height, width } = size;
  const { labels, count } = superpixels(lab, size, options);
  const pixels = labels.length;
  const areas = new Int32Array(count);
  const places = new Float64Array(2 * count);
  for (let p = 0; p < pixels; p++) {
    const region = labels[p];
    areas[region]++;
    places[2 * region] += (Math.floor(p / width) + 0.5) / height;
    places[2 * region + 1] += ((p % width) + 0.5) / width;
  }
  for (let i = 0; i < places.length; i++) places[i] /= areas[i >> 1];
  const along = (length: number, pixel: (i: number) => number) => [
    ...new Set(Array.from({ length }, (_, i) => labels[pixel(i)])),
  ];
  const sides = [
    along(width, (x) => x),
    along(width, (x) => pixels - width + x),
    along(height, (y) => y * width),
    along(height, (y) => y * width + width - 1),
  ];
  const onBorder = new Uint8Array(count);
  for (const region of sides.flat()) onBorder[region] = 1;
  const neighbours = touching(labels, count, size);
  const looks = looksOf(lab, size, { labels, areas });
  const differences = distancesBetween(looks, lookLength);
  const links = wideLinks(neighbours, sides.flat());
  return { count, labels, areas, places, looks, differences, onBorder, sides, neighbours, links };
}

/** {@link Regions.looks} */
function looksOf(
  lab: Float32Array,
  { width }: PictureSize,
  { labels, areas }: Pick<Regions, "labels" | "areas">,
): Float64Array {
  const pixels = labels.length;
  const looks = new Float64Array(lookLength * areas.length);
  for (let p = 0; p < pixels; p++) {
    const look = lookLength * labels[p];
    for (let c = 0; c < 3; c++) {
      const value = lab[c * pixels + p];
      looks[look + c] += value;
      looks[look + 3 + c] += value * value;
    }
    const x = p % width;
    // The outermost pixels have no neighbour on one side; there the change counts as 0.
    if (x === 0 || x === width - 1 || p < width || p >= pixels - width) continue;
    looks[look + 6] += Math.sqrt((lab[p + 1] - lab[p - 1]) ** 2 + (lab[p + width] - lab[p - width]) ** 2);
  }
  for (const [region, area] of areas.entries()) {
    const look = looks.subarray(lookLength * region, lookLength * (region + 1));
    for (let i = 0; i < lookLength; i++) look[i] /= area;
    for (let c = 0; c < 3; c++) look[3 + c] = Math.sqrt(Math.max(0, look[3 + c] - look[c] ** 2));
  }
  return looks;
}

/** `[N * N]`: the Euclidean distances between N points of `dimensions` values. */
function distancesBetween(points: Float64Array, dimensions: number): Float64Array {
  const count = points.length / dimensions;
  const distances = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let d = 0; d < dimensions; d++)
        sum += (points[i * dimensions + d] - points[j * dimensions + d]) ** 2;
      distances[i * count + j] = Math.sqrt(sum);
      distances[j * count + i] = distances[i * count + j];
    }
  }
  return distances;
}

function touching(labels: Int32Array, count: number, { height, width }: PictureSize): number[][] {
  const found = Array.from({ length: count }, () => new Set<number>());
  const link = (a: number, b: number) => {
    if (a === b) return;
    found[a].add(b);
    found[b].add(a);
  };
  for (let p = 0; p < labels.length; p++) {
    if (p % width < width - 1) link(labels[p], labels[p + 1]);
    if (p < width * (height - 1)) link(labels[p], labels[p + width]);
  }
  return found.map((set) => [...set]);
}

function wideLinks(neighbours: readonly (readonly number[])[], border: readonly number[]): Uint8Array {
  const count = neighbours.length;
  const links = new Uint8Array(count * count);
  for (const [region, around] of neighbours.entries()) {
    for (const near of around) {
      links[region * count + near] = 1;
      for (const far of neighbours[near]) links[region * count + far] = 1;
    }
  }
  for (const a of border) for (const b of border) links[a * count + b] = 1;
  for (let region = 0; region < count; region++) links[region * count + region] = 0;
  return links;
}

/**
 * What differences of looks are multiplied by in the strength of links, `exp(-scale * difference)`, so that the largest of linked regions
 * has always the same. Null where all look the same.
 */
export function linkScale({ differences, links }: Pick<Regions, "differences" | "links">): number | null {
  const largest = differences.reduce(
    (most, value, at) => (links[at] === 1 ? Math.max(most, value) : most),
    0,
  );
  return largest < leastDifference ? null : weakening / largest;
}

/**
 * `D - share * W`, `[N * N]`: W are the strengths of the links, D their sums on the diagonal; with a share of 1 the graph's Laplacian.
 *
 * @param strengthOf the strength of the link at a place of {@link Regions.links}
 */
export function linkMatrix(
  { count, links }: Pick<Regions, "count" | "links">,
  strengthOf: (at: number) => number,
  share = 1,
): Float64Array {
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    let degree = 0;
    for (let j = 0; j < count; j++) {
      const at = i * count + j;
      if (links[at] === 0) continue;
      const strength = strengthOf(at);
      matrix[at] = -share * strength;
      degree += strength;
    }
    matrix[i * count + i] = degree;
  }
  return matrix;
}

/** The squared distance between the middles of two regions, in squared shares of the picture's side. */
export function squaredDistance({ places }: Regions, i: number, j: number): number {
  return (places[2 * i] - places[2 * j]) ** 2 + (places[2 * i + 1] - places[2 * j + 1]) ** 2;
}

/** Gives each pixel the value of its region: `[N]` to `[height * width]`. */
export function toPixels({ labels }: Regions, values: ArrayLike<number>): Float32Array {
  return Float32Array.from(labels, (region) => values[region]);
}

/** The mean of the pixels of each region: `[height * width]` to `[N]`. */
export function meansOf({ labels, areas, count }: Regions, values: ArrayLike<number>): Float64Array {
  const means = new Float64Array(count);
  for (let p = 0; p < labels.length; p++) means[labels[p]] += values[p];
  for (let region = 0; region < count; region++) means[region] /= areas[region];
  return means;
}
