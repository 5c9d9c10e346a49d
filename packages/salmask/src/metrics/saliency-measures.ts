/**
 * How well saliency maps find objects with known masks. Maps contain values in [0, 1], masks 0 or 1, both `[H * W]` row
 * by row. The measures are those of salient object detection (Borji et al. 2015; Fan et al. 2017).
 */

/** Mean absolute error; 0 is best. */
export function meanAbsoluteError(map: Float64Array, mask: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < map.length; i++) sum += Math.abs(map[i] - mask[i]);
  return sum / map.length;
}

/** The thresholds of the curves: 0, 1, ... 255 of 255. */
export const curveLength = 256;

/** Weight of precision relative to recall, the usual value in salient object detection (Achanta et al. 2009). */
const betaSquared = 0.3;

/** A map's precision and recall at each threshold, `[256]` each. */
export interface PrecisionRecall {
  readonly precision: Float64Array;
  readonly recall: Float64Array;
}

/**
 * Precision and recall at each threshold t of 255. A pixel counts as found if its value, rounded to a multiple of 1/255, is at least t.
 * Where no pixel of the object is found, both are 0.
 */
export function precisionRecall(map: Float64Array, mask: Uint8Array): PrecisionRecall {
  const found = new Float64Array(curveLength);
  const right = new Float64Array(curveLength);
  for (let i = 0; i < map.length; i++) {
    const level = Math.round(255 * map[i]);
    found[level]++;
    right[level] += mask[i];
  }
  for (let level = curveLength - 2; level >= 0; level--) {
    found[level] += found[level + 1];
    right[level] += right[level + 1];
  }
  const shareOf = (whole: (level: number) => number) =>
    right.map((count, level) => (count === 0 ? 0 : count / whole(level)));
  return { precision: shareOf((level) => found[level]), recall: shareOf(() => right[0]) };
}

/** The F-measure at each threshold, `[256]`: `(1 + b) P R / (b P + R)` with b = 0.3; 0 where P and R are. */
export function fMeasures({ precision, recall }: PrecisionRecall): Float64Array {
  return precision.map((p, level) => {
    const r = recall[level];
    return r === 0 ? 0 : ((1 + betaSquared) * p * r) / (betaSquared * p + r);
  });
}

/** Intersection over union of two masks; 1 if both are empty. */
export function intersectionOverUnion(found: Uint8Array, mask: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    both += found[i] & mask[i];
    either += found[i] | mask[i];
  }
  return either === 0 ? 1 : both / either;
}
