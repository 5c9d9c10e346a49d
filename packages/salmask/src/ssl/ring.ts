/** Tensors that keep what came last. */
import type { Tensor } from "@salmask/torch";

/**
 * Overwrites the oldest rows of a ring along an axis, from `at` on, and continues at its start after its end. Returns where the next
 * rows go.
 *
 * @param ring `[..., K, ...]` with K rows along `dim`
 * @param rows of the same shape, with any number of rows along `dim`
 */
export function writeRing(ring: Tensor, rows: Tensor, { at, dim }: { at: number; dim: number }): number {
  const [size, count] = [ring.shape[dim], rows.shape[dim]];
  let place = at;
  for (let from = 0; from < count; ) {
    const length = Math.min(count - from, size - place);
    ring.narrow(dim, place, length).copy_(rows.narrow(dim, from, length));
    place = (place + length) % size;
    from += length;
  }
  return place;
}
