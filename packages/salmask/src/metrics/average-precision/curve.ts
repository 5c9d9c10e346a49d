import { outcome } from "./match.js";

/** Precision against recall as detections are taken in, surest first. */
export interface Curve {
  /** `[found]`: with at least 1, 2, ... truths found, the highest precision, 0 to 1. */
  readonly precision: readonly number[];
  /** How many truths there are to be found, at least 1. */
  readonly wanted: number;
}

/** @param outcomes one `outcome` for each detection, surest first */
export function curveOf(outcomes: ArrayLike<number>, wanted: number): Curve {
  const precision: number[] = [];
  let counted = 0;
  for (let i = 0; i < outcomes.length; i++) {
    if (outcomes[i] !== outcome.ignored) counted++;
    if (outcomes[i] === outcome.right) precision.push((precision.length + 1) / counted);
  }
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1]);
  return { precision, wanted };
}

/**
 * The mean of a curve's precision at some recalls, 0 where the curve does not come so far.
 *
 * @param points number of recalls
 * @param reaches whether so many found truths, at least 1, come to a point
 */
export function meanPrecision(
  { precision }: Curve,
  points: number,
  reaches: (found: number, point: number) => boolean,
): number {
  let [sum, found] = [0, 1];
  for (let point = 0; point < points; point++) {
    while (found <= precision.length && !reaches(found, point)) found++;
    if (found > precision.length) break;
    sum += precision[found - 1];
  }
  return sum / points;
}

/** The mean of those that are not null; null where all are. */
export function meanOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
