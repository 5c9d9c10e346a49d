import { ops, scope, type Tensor } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import type { Foreground } from "../masking/foreground.js";
import { keepLargestComponent } from "./component.js";
import { type ThresholdOptions, usualThreshold } from "./settings.js";

/** Values within this share of a map's largest value count as equal, so that rounding does not split a constant map. */
const rounding = 1e-6;

/**
 * The cells of each crop that belong to the object. A constant map contains no information, so all its cells are
 * foreground. With the paper's rule the same happens for a small, sharp object: if a map has only two values, both pass
 * if the higher one covers at most k² / (1 + k²) of the crop.
 *
 * @param maps float32 `[B, rows, cols]`
 * @throws SalmaskError `saliency-not-finite`
 */
export function foregroundCells(maps: Tensor, given: Partial<ThresholdOptions> = {}): Foreground {
  const options = { ...usualThreshold, ...given };
  const [batch, rows, cols] = maps.shape;
  const size = rows * cols;
  const values = maps.toFloat32Array();
  const cells = new Uint8Array(batch * size);
  const shares = new Float64Array(batch);
  for (let crop = 0; crop < batch; crop++) {
    const map = values.subarray(crop * size, (crop + 1) * size);
    if (!map.every(Number.isFinite)) {
      throw new SalmaskError(
        "saliency-not-finite",
        `Expected a saliency map of finite numbers, but map ${crop} of the batch holds NaN or infinity. ` +
          "Check the weights that saliency is read from.",
      );
    }
    const own = cells.subarray(crop * size, (crop + 1) * size);
    const bound = leastOf(map, options);
    for (let cell = 0; cell < size; cell++) own[cell] = Number(map[cell] >= bound);
    if (options.component === "largest") keepLargestComponent(own, { rows, cols });
    shares[crop] = own.reduce((sum, inside) => sum + inside, 0) / size;
  }
  return { cells, shares };
}

/**
 * {@link foregroundCells} for the maps `[B, rows, cols]` of several views. Cells are drawn on the host, so maps from a
 * GPU must be awaited; maps of the same size are awaited together.
 */
export function foregroundOfViews(
  maps: readonly Tensor[],
  options: Partial<ThresholdOptions> = {},
): Foreground[] {
  const found = new Map<Tensor, Foreground>();
  for (const map of maps) {
    if (found.has(map)) continue;
    const [batch, rows, cols] = map.shape;
    const alike = maps.filter(({ shape }) => shape.join() === map.shape.join());
    const { cells, shares } = scope(() => foregroundCells(ops.cat(alike), options));
    const size = batch * rows * cols;
    for (const [view, other] of alike.entries()) {
      found.set(other, {
        cells: cells.subarray(view * size, (view + 1) * size),
        shares: shares.subarray(view * batch, (view + 1) * batch),
      });
    }
  }
  return maps.flatMap((map) => found.get(map) ?? []);
}

/** The smallest value of a foreground cell. */
function leastOf(map: Float32Array, { rule, deviations, share }: ThresholdOptions): number {
  const largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const slack = rounding * largest;
  const mean = map.reduce((sum, value) => sum + value, 0) / map.length;
  switch (rule) {
    case "deviations": {
      const squares = map.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return mean - deviations * Math.sqrt(squares / map.length) - slack;
    }
    case "mean":
      return mean - slack;
    case "otsu":
      return otsu(map) - slack;
    case "top-share": {
      const wanted = Math.min(map.length, Math.max(1, Math.round(share * map.length)));
      return Float32Array.from(map).sort()[map.length - wanted] - slack;
    }
  }
}

/** The smallest value of the upper side of the split with the largest variance between both sides. Exact, without bins. */
export function otsu(map: ArrayLike<number>): number {
  const sorted = Float64Array.from(map).sort();
  const total = sorted.reduce((sum, value) => sum + value, 0);
  let best = { split: 0, variance: 0 };
  let below = 0;
  for (let split = 1; split < sorted.length; split++) {
    below += sorted[split - 1];
    const means = (total - below) / (sorted.length - split) - below / split;
    const variance = split * (sorted.length - split) * means ** 2;
    if (variance > best.variance) best = { split, variance };
  }
  return sorted[best.split];
}
