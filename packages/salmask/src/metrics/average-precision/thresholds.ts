/**
 * Evenly spaced numbers from `from` to `to`, as COCO's own program computes them (NumPy's `linspace`): to the last bit,
 * since a recall or an overlap that is equal to one of them but for that bit counts or does not.
 */
export function evenly(from: number, to: number, count: number): number[] {
  const step = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? to : i * step + from));
}

/** Least overlaps of a match that average precision is the mean over: 0.50, 0.55, ... 0.95 (Lin et al. 2014). */
export const iouThresholds: readonly number[] = evenly(0.5, 0.95, 10);
/** Position of 0.50 and of 0.75 in {@link iouThresholds}. */
export const [at50, at75] = [0, 5];
