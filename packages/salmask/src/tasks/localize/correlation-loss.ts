import type { Tensor } from "@salmask/torch";

/** Added to a map's spread, so that a flat map has a correlation, 0. */
const leastSpread = 1e-6;

/**
 * One less the correlation of each map with its target, averaged over the batch: `[]`, 0 to 2. It does not see scale and
 * offset of a map, since saliency compares the cells of one crop alone.
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
