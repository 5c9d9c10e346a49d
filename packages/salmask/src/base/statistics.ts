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

/** Throws RangeError for an empty list. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  if (count === 0) throw new RangeError("Expected at least one value to take the mean of, got none.");
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, deviation: null, halfWidth: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
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
