/** `index.json` of a packed cache: describes the rows of `images.bin`, and how to check them. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { writeFileAtomic } from "../../base/files.js";

/** Increased when the layout or the decoding changes; caches of other versions are built again. */
export const CACHE_VERSION = 2;

export const IMAGES_FILE = "images.bin";
export const INDEX_FILE = "index.json";

const count = z.number().int().nonnegative();

const contentSchema = z.object({
  /** Name of the cache folder (see cacheKey). */
  key: z.string(),
  /** Hash of the photos' contents. */
  fingerprint: z.string(),
  /** Absolute path of the source. */
  source: z.string(),
  /** Side of the stored squares in pixels. */
  size: count,
  /** Squares in `images.bin`, each `[3, size, size]`. */
  storedRows: count,
  /** Modification time of `images.bin`, in ms. If the file was modified later, its bytes are checked. */
  modified: z.number(),
  /** `[N]`, sorted; the fields below follow this order. */
  names: z.array(z.string()),
  /** `[N]`, the square of each photo in `images.bin`. */
  rows: z.array(count),
  /** `[N]`, CRC-32 of each photo's square. */
  checks: z.array(count),
  /** `[N]`, index into `classes`, or -1. */
  labels: z.array(z.number().int().min(-1)),
  classes: z.array(z.string()),
  /** `[N, 2]`, height and width of the upright photo in pixels. */
  originalSizes: z.array(z.tuple([count, count])),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
  /** Those of the skipped files that could not be read, by the source's names. They are tried again when the cache is opened. */
  unread: z.array(z.string()).default([]),
});

const fileSchema = z.object({
  version: z.literal(CACHE_VERSION),
  checksum: z.string(),
  content: z.unknown(),
});

export type CacheIndex = z.infer<typeof contentSchema>;

/** SHA-256 as 64 hexadecimal digits. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Writes the index into a cache folder. Call it after the images are written, because an index means that they are
 * complete.
 */
export async function writeIndex(folder: string, content: CacheIndex): Promise<void> {
  const checksum = sha256(JSON.stringify(content));
  await writeFileAtomic(
    join(folder, INDEX_FILE),
    JSON.stringify({ version: CACHE_VERSION, checksum, content }),
  );
}

/** The state of a cache folder, before its pixels are read. */
export type FoundIndex =
  | { readonly kind: "whole"; readonly index: CacheIndex }
  | { readonly kind: "missing" }
  | { readonly kind: "damaged"; readonly reason: string };

const damaged = (reason: string): FoundIndex => ({ kind: "damaged", reason });

/** The index of the cache folder `key`. If `images.bin` was modified after packing, all of it is read and checked. */
export async function readIndex(folder: string, key: string): Promise<FoundIndex> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return { kind: "missing" };
  const text = await readFile(join(folder, INDEX_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return damaged(`${INDEX_FILE} is missing`);
  const index = parseIndex(text);
  if (index === undefined || index.key !== key) return damaged(`${INDEX_FILE} is not as it was written`);
  const path = join(folder, IMAGES_FILE);
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) return damaged(`${IMAGES_FILE} is missing`);
  const bytes = index.storedRows * 3 * index.size * index.size;
  if (status.size !== bytes) return damaged(`${IMAGES_FILE} has ${status.size} of ${bytes} bytes`);
  if (status.mtimeMs === index.modified) return { kind: "whole", index };
  const changed = await findChanged(path, index);
  if (changed !== undefined) return damaged(`the square of ${changed} is not as it was packed`);
  // If this cannot be written, the next opening checks again.
  await writeIndex(folder, { ...index, modified: status.mtimeMs }).catch(() => undefined);
  return { kind: "whole", index };
}

/** The content of an index file of this version; undefined if it is incomplete or damaged. */
function parseIndex(text: string): CacheIndex | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const file = fileSchema.safeParse(json);
  if (!file.success || sha256(JSON.stringify(file.data.content)) !== file.data.checksum) return undefined;
  return contentSchema.safeParse(file.data.content).data;
}

/** The name of the first photo whose square does not have the packed bytes; undefined if all are unchanged. */
async function findChanged(
  path: string,
  { names, rows, checks, size }: CacheIndex,
): Promise<string | undefined> {
  const square = Buffer.alloc(3 * size * size);
  const file = await open(path, "r");
  try {
    for (const [id, row] of rows.entries()) {
      const { bytesRead } = await file.read(square, 0, square.length, row * square.length);
      if (bytesRead < square.length || crc32(square) !== checks[id]) return names[id];
    }
  } finally {
    await file.close();
  }
  return undefined;
}

/** Removes the index, so that the next opening packs the photos again. Returns false if it cannot be removed. */
export function invalidate(folder: string): boolean {
  try {
    rmSync(join(folder, INDEX_FILE), { force: true });
    return true;
  } catch {
    return false;
  }
}
