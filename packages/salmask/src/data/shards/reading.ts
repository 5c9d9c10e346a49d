/** Reads many photos of shards with few requests. */
import type { ShardFile } from "./shard-file.js";
import { placeOf, type ShardSet } from "./shard-set.js";

/** Photos that are read at once: they lie beside each other in one shard. */
export interface Chunk {
  readonly file: ShardFile;
  readonly ids: Int32Array;
  /** In bytes from the shard's start. */
  readonly from: number;
  readonly to: number;
}

/** What is read at once is at most this long, unless one photo is longer. */
const longestChunk = 2 ** 20;
/** Bytes between two photos that are read along rather than skipped by another request. */
const longestGap = 2 ** 15;

/** Joins photos to chunks, without changing their order. */
export function* chunksOf(set: ShardSet, ids: Int32Array): Generator<Chunk> {
  for (let first = 0; first < ids.length; ) {
    const { file, offset, bytes } = placeOf(set, ids[first]);
    let end = offset + bytes;
    let next = first + 1;
    for (; next < ids.length; next++) {
      const place = placeOf(set, ids[next]);
      const gap = place.offset - end;
      if (place.file !== file || gap < 0 || gap > longestGap) break;
      if (place.offset + place.bytes - offset > longestChunk) break;
      end = place.offset + place.bytes;
    }
    yield { file, ids: ids.subarray(first, next), from: offset, to: end };
    first = next;
  }
}

/** The photos of a chunk by their numbers, each in memory of its own, so that none keeps its neighbours. */
export async function readChunk(
  set: ShardSet,
  { file, ids, from, to }: Chunk,
  signal?: AbortSignal,
): Promise<Map<number, Buffer>> {
  const content = await file.read(from, to - from, signal);
  return new Map(
    Array.from(ids, (id) => {
      const { offset, bytes } = placeOf(set, id);
      const own = Buffer.allocUnsafeSlow(bytes);
      content.copy(own, 0, offset - from, offset - from + bytes);
      return [id, own];
    }),
  );
}
