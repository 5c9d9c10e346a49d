import { fromTypedArray, type Tensor } from "@salmask/torch";

/** The numbers from 0 to `count - 1` that `test` accepts. */
export function rowsWhere(count: number, test: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = 0; row < count; row++) if (test(row)) rows.push(row);
  return rows;
}

/** Replaces the given rows of a batch, in place, with the result of `fn`; each row keeps its position. */
export function applyToRows(batch: Tensor, rows: readonly number[], fn: (chosen: Tensor) => Tensor): void {
  if (rows.length === 0) return;
  const index = fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length], { device: batch.device });
  batch.indexCopy_(0, index, fn(batch.indexSelect(0, index)));
}
