import { empty, scope, type Tensor } from "@salmask/torch";

/** Numbers of one intermediate tensor that a CPU's caches can hold. */
const CHUNK_NUMEL = 1 << 19;

/** Images that go through a chain of operators together: what fits a CPU's caches, or all on a GPU. */
export function chunkSize(count: number, numelPerImage: number, device: string): number {
  if (device !== "cpu") return Math.max(1, count);
  return Math.max(1, Math.min(count, Math.floor(CHUNK_NUMEL / numelPerImage)));
}

/** `fn` of the whole batch, float32 [B, ...] to the same shape, worked out a chunk at a time. */
export function inChunks(batch: Tensor, fn: (chunk: Tensor) => Tensor): Tensor {
  const [count, ...rest] = batch.shape;
  const size = chunkSize(count, batch.numel / count, batch.device);
  if (size >= count) return scope(() => fn(batch));
  return scope(() => {
    const out = empty(batch.shape, { device: batch.device }); // [B, ...]
    for (let start = 0; start < count; start += size) {
      const length = Math.min(size, count - start);
      scope(() => {
        out.narrow(0, start, length).copy_(fn(batch.narrow(0, start, length)).view([length, ...rest]));
      });
    }
    return out;
  });
}
