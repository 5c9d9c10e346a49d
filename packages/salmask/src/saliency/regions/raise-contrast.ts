/** Steepness of the curve, b in the paper. */
const steepness = 10;

/**
 * `1 / (1 + exp(-10 (x - middle)))` of values in [0, 1]: draws them apart at `middle`, which becomes 1/2 (Zhang et al.
 * 2015, section 4.3).
 */
export function raiseContrast(values: Float64Array, middle: number): Float64Array {
  return values.map((value) => 1 / (1 + Math.exp(-steepness * (value - middle))));
}
