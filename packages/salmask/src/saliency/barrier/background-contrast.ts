import type { PictureSize } from "./barrier-distance.js";

/** Width of each border strip as a share of the picture's side (from the paper). */
const rim = 0.1;
/**
 * Added to the variances of colours, so that a border of one colour has a distance. In squared units of normalised
 * colour.
 */
const leastVariance = 1e-3;

/**
 * How much each pixel's colour differs from the border, `[height * width]`: the Mahalanobis distances to the colours of
 * the four sides, each scaled to a largest value of 1. The result is their sum without the largest, so that an object
 * that touches one side is still found (Zhang et al. 2015, section 4.2).
 *
 * @param picture `[3 * height * width]`
 */
export function backgroundContrast(picture: Float32Array, { height, width }: PictureSize): Float32Array {
  const deep = Math.max(1, Math.round(rim * height));
  const broad = Math.max(1, Math.round(rim * width));
  const sides = [
    { top: 0, left: 0, bottom: deep, right: width },
    { top: height - deep, left: 0, bottom: height, right: width },
    { top: 0, left: 0, bottom: height, right: broad },
    { top: 0, left: width - broad, bottom: height, right: width },
  ];
  const sum = new Float32Array(height * width);
  const largest = new Float32Array(height * width);
  for (const side of sides) {
    const distance = distancesTo(picture, { height, width }, side);
    for (let p = 0; p < sum.length; p++) {
      sum[p] += distance[p];
      largest[p] = Math.max(largest[p], distance[p]);
    }
  }
  return sum.map((value, p) => value - largest[p]);
}

interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/** The Mahalanobis distance of each pixel to the colours in a box, scaled to a largest value of 1. `[height * width]` */
function distancesTo(picture: Float32Array, { height, width }: PictureSize, box: Box): Float32Array {
  const pixels = height * width;
  const inside: number[] = [];
  for (let y = box.top; y < box.bottom; y++)
    for (let x = box.left; x < box.right; x++) inside.push(y * width + x);
  const mean = [0, 1, 2].map((c) => average(inside, (p) => picture[c * pixels + p]));
  const covariance = (a: number, b: number) =>
    average(inside, (p) => (picture[a * pixels + p] - mean[a]) * (picture[b * pixels + p] - mean[b])) +
    (a === b ? leastVariance : 0);
  const [xx, xy, xz] = [covariance(0, 0), covariance(0, 1), covariance(0, 2)];
  const [yy, yz, zz] = [covariance(1, 1), covariance(1, 2), covariance(2, 2)];
  // The inverse of a symmetric 3 x 3 matrix: its adjugate divided by its determinant.
  const [a, b, c] = [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy];
  const [d, e, f] = [xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy];
  const determinant = xx * a + xy * b + xz * c;
  const distance = new Float32Array(pixels);
  let largest = 0;
  for (let p = 0; p < pixels; p++) {
    const x = picture[p] - mean[0];
    const y = picture[pixels + p] - mean[1];
    const z = picture[2 * pixels + p] - mean[2];
    const squared = a * x * x + d * y * y + f * z * z + 2 * (b * x * y + c * x * z + e * y * z);
    distance[p] = Math.sqrt(Math.max(0, squared / determinant));
    largest = Math.max(largest, distance[p]);
  }
  return largest === 0 ? distance : distance.map((value) => value / largest);
}

function average(places: readonly number[], value: (place: number) => number): number {
  return places.reduce((sum, place) => sum + value(place), 0) / places.length;
}
