import type { Tensor } from "@salmask/torch";

/** Added to the norm of a map, so that a constant map has a correlation of 0. */
const leastSpread = 1e-6;

/**
 * One minus the correlation of each map with its target, averaged over the batch: `[]`, 0 to 2. It does not depend on
 * the scale and offset of a map, because saliency only compares cells within one crop.
 *
 * @param maps float32 `[B, rows, cols]`
 * @param targets float32 `[B, rows, cols]`
 */
export function correlationLoss(maps: Tensor, targets: Tensor): Tensor {
  const [a, b] = [maps, targets].map((x) => {
    const flat = x.flatten({ startDim: 1 }); // [B, rows * cols]
    const centred = flat.sub(flat.mean([1], { keepdim: true })); // [B, rows * cols]
    return centred.div(centred.norm(2, [1], { keepdim: true }).add(leastSpread)); // [B, rows * cols]
  });
  return a.mul(b).sum([1]).mean().neg().add(1); // []
}
