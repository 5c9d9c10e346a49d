/** Number of elements of one intermediate tensor that fits in a CPU's caches. */
const CHUNK_NUMEL = 1 << 19;

/** Number of images that pass through a chain of operators together: as many as fit in a CPU's caches, or all on a GPU. */
export function chunkSize(count: number, numelPerImage: number, device: string): number {
  if (device !== "cpu") return Math.max(1, count);
  return Math.max(1, Math.min(count, Math.floor(CHUNK_NUMEL / numelPerImage)));
}
