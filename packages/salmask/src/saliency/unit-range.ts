/** Values that differ by less are equal but for rounding. */
const leastSpread = 1e-6;

/** Scales values in place to [0, 1], the smallest to 0 and the largest to 1; equal values become 0. Returns them. */
export function toUnitRange<Values extends Float32Array | Float64Array>(values: Values): Values {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const spread = high - low;
  for (let i = 0; i < values.length; i++) values[i] = spread < leastSpread ? 0 : (values[i] - low) / spread;
  return values;
}
