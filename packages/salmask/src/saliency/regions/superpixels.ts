import type { PictureSize } from "../barrier/barrier-distance.js";

/** A partition of a picture into connected parts of similar colour. */
export interface Superpixels {
  /** `[height * width]`: the number of each pixel's part, 0 to `count - 1`. */
  readonly labels: Int32Array;
  readonly count: number;
}

export interface SuperpixelOptions {
  /** Parts to aim at; the result has about as many. */
  readonly wanted?: number;
  /** Distance in CIELAB that weighs as much as the distance between two centres. */
  readonly compactness?: number;
}

/** Rounds of assigning pixels and moving centres, from the paper. */
const rounds = 10;
/** Parts smaller than this share of the mean one are joined to a neighbour, as in the authors' program. */
const leastShare = 0.25;

/**
 * Simple linear iterative clustering (Achanta et al. 2012, "SLIC Superpixels", section 3): k-means of colour and place, in
 * which a centre sees only the pixels around it. Parts that are not connected are then split, and crumbs are joined to a
 * neighbour.
 *
 * @param lab `[3 * height * width]` in CIELAB
 */
export function superpixels(
  lab: Float32Array,
  { height, width }: PictureSize,
  { wanted = 250, compactness = 20 }: SuperpixelOptions = {},
): Superpixels {
  const rows = Math.min(height, Math.max(1, Math.round(Math.sqrt((wanted * height) / width))));
  const cols = Math.min(width, Math.max(1, Math.round(wanted / rows)));
  const clusters = cluster(lab, { height, width }, { rows, cols, compactness });
  const least = (leastShare * height * width) / (rows * cols);
  return connectedParts(clusters, { height, width }, least);
}

/** `[height * width]`: the nearest centre of each pixel, of centres that start as a grid of `rows` by `cols`. */
function cluster(
  lab: Float32Array,
  { height, width }: PictureSize,
  { rows, cols, compactness }: { rows: number; cols: number; compactness: number },
): Int32Array {
  const pixels = height * width;
  const count = rows * cols;
  const reach = Math.ceil(Math.max(height / rows, width / cols));
  const placeWeight = (compactness ** 2 * count) / pixels;
  // Five values a centre: L, a, b, y, x.
  const centres = new Float64Array(5 * count);
  for (let c = 0; c < count; c++) {
    const y = Math.floor(((Math.floor(c / cols) + 0.5) * height) / rows);
    const x = Math.floor((((c % cols) + 0.5) * width) / cols);
    const p = y * width + x;
    centres.set([lab[p], lab[pixels + p], lab[2 * pixels + p], y, x], 5 * c);
  }
  const labels = new Int32Array(pixels);
  const nearest = new Float64Array(pixels);
  const sums = new Float64Array(5 * count);
  const sizes = new Int32Array(count);
  for (let round = 0; round < rounds; round++) {
    nearest.fill(Number.POSITIVE_INFINITY);
    for (let c = 0; c < count; c++) {
      const [l, a, b, cy, cx] = centres.subarray(5 * c, 5 * c + 5);
      const bottom = Math.min(height - 1, Math.floor(cy) + reach);
      const right = Math.min(width - 1, Math.floor(cx) + reach);
      const left = Math.max(0, Math.ceil(cx) - reach);
      for (let y = Math.max(0, Math.ceil(cy) - reach); y <= bottom; y++) {
        const down = placeWeight * (y - cy) ** 2;
        for (let x = left; x <= right; x++) {
          const p = y * width + x;
          const dl = lab[p] - l;
          const da = lab[pixels + p] - a;
          const db = lab[2 * pixels + p] - b;
          const dx = x - cx;
          const distance = dl * dl + da * da + db * db + down + placeWeight * dx * dx;
          if (distance >= nearest[p]) continue;
          nearest[p] = distance;
          labels[p] = c;
        }
      }
    }
    sums.fill(0);
    sizes.fill(0);
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0; x < width; x++, p++) {
        const c = labels[p];
        sizes[c]++;
        sums[5 * c] += lab[p];
        sums[5 * c + 1] += lab[pixels + p];
        sums[5 * c + 2] += lab[2 * pixels + p];
        sums[5 * c + 3] += y;
        sums[5 * c + 4] += x;
      }
    }
    for (let i = 0; i < sums.length; i++) {
      const size = sizes[Math.floor(i / 5)];
      if (size > 0) centres[i] = sums[i] / size;
    }
  }
  return labels;
}

/** Numbers the connected parts of equal `clusters`, by edges; one of fewer than `least` pixels gets its neighbour's number. */
function connectedParts(clusters: Int32Array, { height, width }: PictureSize, least: number): Superpixels {
  const labels = new Int32Array(clusters.length).fill(-1);
  const part = new Int32Array(clusters.length);
  let count = 0;
  for (let start = 0; start < clusters.length; start++) {
    if (labels[start] !== -1) continue;
    let length = 0;
    const take = (p: number) => {
      if (labels[p] !== -1 || clusters[p] !== clusters[start]) return;
      labels[p] = count;
      part[length++] = p;
    };
    take(start);
    for (let next = 0; next < length; next++) {
      const p = part[next];
      const x = p % width;
      if (x > 0) take(p - 1);
      if (x < width - 1) take(p + 1);
      if (p >= width) take(p - width);
      if (p < width * (height - 1)) take(p + width);
    }
    // The pixel to the left of the start or above it was numbered before, except at the picture's corner.
    const before = start % width > 0 ? start - 1 : start - width;
    if (length < least && before >= 0) for (let i = 0; i < length; i++) labels[part[i]] = labels[before];
    else count++;
  }
  return { labels, count };
}
