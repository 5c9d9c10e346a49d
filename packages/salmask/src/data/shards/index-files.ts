/** Indexes of shards that were looked through before, in the folder of caches. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../base/files.js";
import { sha256 } from "../store/index-file.js";
import type { ShardFile } from "./shard-file.js";
import type { ShardIndex } from "./shard-index.js";

/** Increased when the layout changes, or what counts as a photo. */
const VERSION = 1;

const count = z.number().int().nonnegative();
const indexSchema = z.object({
  names: z.array(z.string()),
  offsets: z.array(count),
  bytes: z.array(count),
  labels: z.array(z.number().int().min(-1)),
  classes: z.array(z.string()),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  others: z.array(z.tuple([z.string(), count])),
});
const fileSchema = z.object({
  version: z.literal(VERSION),
  /** Of the shard that was looked through. */
  bytes: count,
  stamp: z.string(),
  /** Of the index as JSON. */
  checksum: z.string(),
  index: z.unknown(),
});

const pathOf = (cacheDir: string, { address }: ShardFile) =>
  join(cacheDir, "shards", `${sha256(address).slice(0, 32)}.json`);

/** The index of a shard as it is now; null where it was not looked through, has changed since, or the file is damaged. */
export async function readIndexFile(cacheDir: string, shard: ShardFile): Promise<ShardIndex | null> {
  const text = await readFile(pathOf(cacheDir, shard), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const file = fileSchema.parse(JSON.parse(text));
    if (file.bytes !== shard.bytes || file.stamp !== shard.stamp) return null;
    if (sha256(JSON.stringify(file.index)) !== file.checksum) return null;
    const index = indexSchema.parse(file.index);
    const lengths = [index.offsets, index.bytes, index.labels].map(({ length }) => length);
    return lengths.every((length) => length === index.names.length) ? index : null;
  } catch {
    return null;
  }
}

/** Keeps an index for the next time. */
export async function writeIndexFile(cacheDir: string, shard: ShardFile, index: ShardIndex): Promise<void> {
  const { bytes, stamp } = shard;
  const checksum = sha256(JSON.stringify(index));
  await writeFileAtomic(
    pathOf(cacheDir, shard),
    JSON.stringify({ version: VERSION, bytes, stamp, checksum, index }),
  );
}
