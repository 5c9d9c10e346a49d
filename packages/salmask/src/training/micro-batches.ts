/**
 * Divides the photos of a step, `[B]`, into `count` parts as even as they can be, as views of them. Each has two photos at least, which
 * batch norm needs, so that a small batch has fewer parts.
 */
export function microBatches(ids: Int32Array, count: number): Int32Array[] {
  const parts = Math.max(1, Math.min(count, Math.floor(ids.length / 2)));
  const start = (part: number) => Math.floor((part * ids.length) / parts);
  return Array.from({ length: parts }, (_, part) => ids.subarray(start(part), start(part + 1)));
}
