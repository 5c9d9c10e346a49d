import { KeyedRandom } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";

/**
 * The order in which an epoch visits `n` photos: `[n]`, each of 0 to n - 1 once. A function of (seed, epoch)
 * alone, so a resumed run continues in the order it left.
 */
export function epochOrder(seed: number, epoch: number, n: number): Int32Array {
  return new KeyedRandom(seed, purpose.order, epoch).permutation(n);
}

/**
 * Cuts an order into batches of exactly `batchSize` ids, as views of it; a last, partial batch is dropped, because
 * batch norm and the queue expect full ones. Throws a {@link UsageError} `bad-batch-size` where not one is full.
 */
export function batches(order: Int32Array, batchSize: number): Int32Array[] {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new UsageError("bad-batch-size", `Expected a batch size of 1 or more, got ${batchSize}.`);
  }
  if (batchSize > order.length) {
    throw new UsageError(
      "bad-batch-size",
      `Expected a batch size of at most the number of photos, ${order.length}, got ${batchSize}. ` +
        `Set the batch size to ${order.length} or less, or add photos.`,
    );
  }
  const count = Math.floor(order.length / batchSize);
  return Array.from({ length: count }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize));
}
