import { KeyedRandom } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";

/**
 * The order in which an epoch visits `n` photos: `[n]`, each number from 0 to n - 1 once. It depends only on (seed,
 * epoch), so a resumed run continues in the same order.
 */
export function epochOrder(seed: number, epoch: number, n: number): Int32Array {
  return new KeyedRandom(seed, purpose.order, epoch).permutation(n);
}

/**
 * Splits an order into batches of exactly `batchSize` ids, as views of it. A last, incomplete batch is dropped, because
 * batch norm and the queue need full ones. Throws a {@link UsageError} `bad-batch-size` if there is no full batch.
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
