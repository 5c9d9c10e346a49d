import type { PictureSize } from "./barrier-distance.js";

export interface GuidedFilterOptions {
  /** Pixels on each side of a window's middle. */
  readonly radius: number;
  /** Variance of a colour below which the picture counts as smooth, in squared units of the picture. */
  readonly smoothness: number;
}

/**
 * Draws a map's edges to those of a picture: in each window the map becomes a linear function of the colours (He et al.
 * 2010, "Guided Image Filtering", with a colour guide, section 3.5). A map of one value stays as it is.
 *
 * @param map `[height * width]`
 * @param picture `[3 * height * width]`
 * @returns `[height * width]`; can leave the map's range a little
 */
export function guidedFilter(
  map: Float32Array,
  picture: Float32Array,
  size: PictureSize,
  { radius, smoothness }: GuidedFilterOptions,
): Float32Array {
  const pixels = map.length;
  const mean = (values: Float64Array) => boxMeans(values, size, radius);
  const planes = [0, 1, 2].map((c) => Float64Array.from(picture.subarray(c * pixels, (c + 1) * pixels)));
  const product = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Float64Array.from({ length: pixels }, (_, p) => a[p] * b[p]);
  const [red, green, blue] = planes.map(mean);
  const values = mean(Float64Array.from(map));
  const [withRed, withGreen, withBlue] = planes.map((plane) => mean(product(plane, map)));
  const squares = [
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 1],
    [1, 2],
    [2, 2],
  ].map(([a, b]) => mean(product(planes[a], planes[b])));
  // The linear function of each window: three slopes and an offset.
  const slopes = [0, 1, 2].map(() => new Float64Array(pixels));
  const offset = new Float64Array(pixels);
  for (let p = 0; p < pixels; p++) {
    const [r, g, b, value] = [red[p], green[p], blue[p], values[p]];
    const rr = squares[0][p] - r * r + smoothness;
    const rg = squares[1][p] - r * g;
    const rb = squares[2][p] - r * b;
    const gg = squares[3][p] - g * g + smoothness;
    const gb = squares[4][p] - g * b;
    const bb = squares[5][p] - b * b + smoothness;
    const vr = withRed[p] - value * r;
    const vg = withGreen[p] - value * g;
    const vb = withBlue[p] - value * b;
    // The inverse of a symmetric 3 x 3 matrix: its adjugate divided by its determinant.
    const [irr, irg, irb] = [gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg];
    const [igg, igb, ibb] = [rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg];
    const determinant = rr * irr + rg * irg + rb * irb;
    slopes[0][p] = (irr * vr + irg * vg + irb * vb) / determinant;
    slopes[1][p] = (irg * vr + igg * vg + igb * vb) / determinant;
    slopes[2][p] = (irb * vr + igb * vg + ibb * vb) / determinant;
    offset[p] = value - slopes[0][p] * r - slopes[1][p] * g - slopes[2][p] * b;
  }
  const [mr, mg, mb] = slopes.map(mean);
  const mo = mean(offset);
  return map.map((_, p) => mr[p] * planes[0][p] + mg[p] * planes[1][p] + mb[p] * planes[2][p] + mo[p]);
}

/** The mean of the pixels within `radius` rows and columns of each pixel, of those inside the picture. `[height * width]` */
function boxMeans(values: Float64Array, { height, width }: PictureSize, radius: number): Float64Array {
  const along = new Float64Array(values.length);
  for (let y = 0; y < height; y++)
    runningMean(values, along, { from: y * width, step: 1, length: width, radius });
  const means = new Float64Array(values.length);
  for (let x = 0; x < width; x++) runningMean(along, means, { from: x, step: width, length: height, radius });
  return means;
}

interface Line {
  from: number;
  step: number;
  length: number;
  radius: number;
}

function runningMean(values: Float64Array, means: Float64Array, { from, step, length, radius }: Line): void {
  let [sum, inside] = [0, 0];
  for (let i = 0; i < Math.min(radius, length); i++, inside++) sum += values[from + i * step];
  for (let i = 0; i < length; i++) {
    if (i + radius < length) {
      sum += values[from + (i + radius) * step];
      inside++;
    }
    if (i > radius) {
      sum -= values[from + (i - radius - 1) * step];
      inside--;
    }
    means[from + i * step] = sum / inside;
  }
}
