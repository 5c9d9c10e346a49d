/** `index.json` of a packed cache: what the rows of `images.bin` are, and whether they can be trusted. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../../base/files.js";

/** Raised when the layout or the decoding changes; caches of other versions are built again. */
export const CACHE_VERSION = 1;

export const IMAGES_FILE = "images.bin";
export const INDEX_FILE = "index.json";

const count = z.number().int().nonnegative();

const contentSchema = z.object({
  fingerprint: z.string(),
  /** Absolute path of the source. */
  source: z.string(),
  /** Side of the stored squares in pixels. */
  size: count,
  /** Squares in `images.bin`, each `[3, size, size]`. */
  storedRows: count,
  /** `[N]`, sorted; the fields below follow this order. */
  names: z.array(z.string()),
  /** `[N]`, the square of each photo in `images.bin`. */
  rows: z.array(count),
  /** `[N]`, position in `classes`, or -1. */
  labels: z.array(z.number().int().min(-1)),
  classes: z.array(z.string()),
  /** `[N, 2]`, height and width of the upright photo in pixels. */
  originalSizes: z.array(z.tuple([count, count])),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
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

/** Writes the index into a cache folder, after its images: an index that is there vouches for them. */
export async function writeIndex(folder: string, content: CacheIndex): Promise<void> {
  const checksum = sha256(JSON.stringify(content));
  await writeFileAtomic(
    join(folder, INDEX_FILE),
    JSON.stringify({ version: CACHE_VERSION, checksum, content }),
  );
}

/**
 * The index of a cache folder; undefined where there is none that is whole: the file is missing or damaged, is of
 * another version or source, or `images.bin` has another size than the index says.
 */
export async function readIndex(folder: string, fingerprint: string): Promise<CacheIndex | undefined> {
  const text = await readFile(join(folder, INDEX_FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const file = fileSchema.safeParse(json);
  if (!file.success || sha256(JSON.stringify(file.data.content)) !== file.data.checksum) return undefined;
  const content = contentSchema.safeParse(file.data.content);
  if (!content.success || content.data.fingerprint !== fingerprint) return undefined;
  const images = await stat(join(folder, IMAGES_FILE)).catch(() => undefined);
  const { storedRows, size } = content.data;
  return images?.size === storedRows * 3 * size * size ? content.data : undefined;
}
