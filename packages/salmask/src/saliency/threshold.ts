import type { Tensor } from "@salmask/torch";
import { SalmaskError } from "../errors.js";

/** Share of a map's largest value that counts as rounding, so that a flat map is not split by it. */
const rounding = 1e-6;

/** Which cells of each crop belong to the object. */
export interface Foreground {
  /** `[B * rows * cols]`, crop after crop, row after row: 1 where the cell is foreground. */
  readonly cells: Uint8Array;
  /** `[B]`: the foreground's share of each crop's cells, gamma, 0 to 1. */
  readonly shares: Float64Array;
}

/**
 * The paper's threshold: a cell is foreground where its value is at least `mean - k * std` of its own crop's cells
 * (population deviation). A flat map, which says nothing, is all foreground. So is one whose object is small and
 * sharp: of two values, both pass once the higher covers at most k² / (1 + k²) of the crop.
 *
 * @param maps float32 `[B, rows, cols]`
 * @param k 0.6 in the paper; negative values are stricter than the mean
 * @throws SalmaskError `saliency-not-finite`
 */
export function foregroundCells(maps: Tensor, k = 0.6): Foreground {
  const [batch, rows, cols] = maps.shape;
  const size = rows * cols;
  const values = maps.toFloat32Array();
  const cells = new Uint8Array(batch * size);
  const shares = new Float64Array(batch);
  for (let crop = 0; crop < batch; crop++) {
    const map = values.subarray(crop * size, (crop + 1) * size);
    const bound = thresholdOf(map, k);
    if (!Number.isFinite(bound)) {
      throw new SalmaskError(
        "saliency-not-finite",
        `Expected a saliency map of finite numbers, but map ${crop} of the batch holds NaN or infinity. ` +
          "Check the weights that saliency is read from.",
      );
    }
    let count = 0;
    for (let cell = 0; cell < size; cell++) {
      if (map[cell] < bound) continue;
      cells[crop * size + cell] = 1;
      count++;
    }
    shares[crop] = count / size;
  }
  return { cells, shares };
}

/** The least value of a foreground cell; not finite where a value is not. */
function thresholdOf(map: Float32Array, k: number): number {
  let sum = 0;
  let largest = 0;
  for (const value of map) {
    sum += value;
    largest = Math.max(largest, Math.abs(value));
  }
  const mean = sum / map.length;
  let squares = 0;
  for (const value of map) squares += (value - mean) ** 2;
  return mean - k * Math.sqrt(squares / map.length) - rounding * largest;
}
