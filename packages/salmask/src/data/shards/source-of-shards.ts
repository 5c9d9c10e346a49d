/** Shards as a source like others, for what packs photos or only looks at some. */
import { type ImageSource, readingBudget } from "../sources/image-source.js";
import { chunksOf, readChunk } from "./reading.js";
import type { ShardSet } from "./shard-set.js";

/** The photos of shards in the order of their numbers. Its identity is the shards' addresses, lengths and versions. */
export function sourceOfShards(set: ShardSet): ImageSource {
  const { path, names, classes, labels, bytes, files } = set;
  let ids: Map<string, number> | null = null;
  const idOf = (name: string) => {
    ids ??= new Map(names.map((each, id) => [each, id]));
    return ids.get(name) ?? -1;
  };
  return {
    path,
    labels: { classes, labelOf: (name) => labels[idOf(name)] ?? -1 },
    identity: [
      "shards",
      ...files.map((file) => JSON.stringify([file.address, file.bytes, file.stamp])),
      set.content,
    ].join("\n"),
    expected: names.length,
    async *images(signal) {
      for (const [id, name] of names.entries()) {
        signal?.throwIfAborted();
        let release = () => {};
        yield {
          name,
          async read() {
            release = await readingBudget.acquire(bytes[id]);
            const [chunk] = chunksOf(set, Int32Array.of(id));
            const content = (await readChunk(set, chunk, signal)).get(id);
            if (content === undefined) throw new RangeError(`expected photo ${id} in its chunk, got none`);
            return content;
          },
          release: () => release(),
        };
      }
    },
    summary: () => ({ commonFolder: "", skipped: set.skipped, others: set.others }),
  };
}
