/** Numbers of one intermediate tensor that a CPU's caches can hold. */
const CHUNK_NUMEL = 1 << 19;

/** Images that go through a chain of operators together: what fits a CPU's caches, or all on a GPU. */
export function chunkSize(count: number, numelPerImage: number, device: string): number {
  if (device !== "cpu") return Math.max(1, count);
  return Math.max(1, Math.min(count, Math.floor(CHUNK_NUMEL / numelPerImage)));
}
