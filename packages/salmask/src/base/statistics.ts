import jstat from "jstat";

/** A mean over seeds. Values that need more data than there are are null. */
export interface Estimate {
  count: number;
  mean: number;
  /** Sample standard deviation; null for a single value. */
  deviation: number | null;
  /** Half the width of the 95 % confidence interval of the mean (Student's t); null for a single value. */
  halfWidth: number | null;
}

/** The mean of at least one value, and the sample standard deviation, 0 for a single value. */
export function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** Throws RangeError for an empty list. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  if (count === 0) throw new RangeError("Expected at least one value to take the mean of, got none.");
  const { mean, deviation } = meanAndDeviation(values);
  if (count === 1) return { count, mean, deviation: null, halfWidth: null };
  return {
    count,
    mean,
    deviation,
    halfWidth: (jstat.studentt.inv(0.975, count - 1) * deviation) / Math.sqrt(count),
  };
}

/** The differences of two rows, `row` minus `first`, at the seeds that both have; null if they have no common seed. */
export function pairedDifference(
  row: ReadonlyMap<number, number>,
  first: ReadonlyMap<number, number>,
): Estimate | null {
  const differences = [...row].flatMap(([seed, value]) => {
    const other = first.get(seed);
    return other === undefined ? [] : [value - other];
  });
  return differences.length === 0 ? null : estimate(differences);
}

/** Whether the 95 % interval of a mean difference leaves out 0; false where a single pair gives no interval. */
export function isToldApart({ mean, halfWidth }: Estimate): boolean {
  return halfWidth !== null && Math.abs(mean) > halfWidth;
}

/** The probability with which a number of pairs should tell. */
export const usualPower = 0.8;

/** More pairs than these are not looked for. */
export const mostPairs = 10_000;

/**
 * The smallest number of pairs, at least 2, with which a paired t-test (two sides, 5 %) finds a true mean difference with
 * at least the probability `power`, from the noncentral t distribution. Infinity if {@link mostPairs} are too few.
 *
 * @param difference the true mean difference
 * @param deviation the standard deviation of the differences, at least 0, in the same unit
 * @param power in (0.05, 1)
 */
export function pairsToTell(difference: number, deviation: number, power = usualPower): number {
  if (difference === 0) return Number.POSITIVE_INFINITY;
  if (deviation === 0) return 2;
  const effect = Math.abs(difference) / deviation;
  return leastEnough(1, (pairs) => powerOf(effect, pairs) >= power);
}

/** The smallest number of pairs above `few` that is enough, if more are enough too; Infinity if {@link mostPairs} are not. */
export function leastEnough(few: number, isEnough: (pairs: number) => boolean): number {
  let [below, enough] = [few, few + 1];
  while (!isEnough(enough)) {
    if (enough >= mostPairs) return Number.POSITIVE_INFINITY;
    [below, enough] = [enough, Math.min(mostPairs, 2 * enough)];
  }
  while (enough - below > 1) {
    const middle = Math.floor((below + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else below = middle;
  }
  return enough;
}

/** The probability that a paired t-test of `pairs` pairs finds a difference of `effect` standard deviations. */
function powerOf(effect: number, pairs: number): number {
  const freedom = pairs - 1;
  const around = effect * Math.sqrt(pairs);
  const critical = jstat.studentt.inv(0.975, freedom);
  const { cdf } = jstat.noncentralt;
  return 1 - cdf(critical, freedom, around) + cdf(-critical, freedom, around);
}

/** Pearson's r of pairs of numbers. */
export interface Correlation {
  count: number;
  r: number;
  /** The 95 % interval, by Fisher's transformation. */
  low: number;
  high: number;
}

/** The correlation of `[x, y]`; null for fewer than four pairs, or if one side is constant. */
export function correlation(pairs: readonly (readonly [number, number])[]): Correlation | null {
  const count = pairs.length;
  if (count < 4) return null;
  const mean = (side: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[side], 0) / count;
  const [x, y] = [mean(0), mean(1)];
  const product = (a: 0 | 1, b: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + (pair[a] - (a === 0 ? x : y)) * (pair[b] - (b === 0 ? x : y)), 0);
  const spread = Math.sqrt(product(0, 0) * product(1, 1));
  if (spread === 0) return null;
  const r = Math.max(-1, Math.min(1, product(0, 1) / spread));
  const half = 1.959964 / Math.sqrt(count - 3); // of the normal distribution
  return { count, r, low: Math.tanh(Math.atanh(r) - half), high: Math.tanh(Math.atanh(r) + half) };
}
