/** Opens a source of photos: decodes it once into a packed cache, and later finds that cache again. */
import { utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DataError, InterruptedError } from "../../base/errors.js";
import type { Samples } from "../samples/samples.js";
import type { ImageSource } from "../sources/image-source.js";
import { openSource } from "../sources/source.js";
import { defaultCacheDir } from "./cache-folder.js";
import { assertEnough } from "./describe-pack.js";
import { cacheKey, sourceStamp } from "./identity.js";
import { type CacheIndex, IMAGES_FILE, INDEX_FILE, readIndex } from "./index-file.js";
import { type PackProgress, pack } from "./pack.js";
import type { PhotoStream } from "./photo-stream.js";
import { chooseSize, type SizeOptions } from "./square-size.js";
import { openSquares, type Squares } from "./squares.js";

/** The photos of a folder or an archive, and their pixels as squares. */
export type PackedDataset = Samples &
  Squares & {
    /** For photos that are not packed: `images` gives only those that the stream holds. */
    readonly stream?: PhotoStream;
  };

/** A packed cache that is damaged, or lacks photos that can be read by now, and is built again. */
export interface Rebuild {
  readonly folder: string;
  readonly reason: string;
}

/** How photos are stored, and how {@link openDataset} can be watched and stopped. */
export type OpenOptions = SizeOptions & {
  /** Folder of all caches. Default: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
  readonly cacheDir?: string;
  /** Fewer photos are refused. Default: 2, as contrasting needs. */
  readonly least?: number;
  /** Called after each photo while a cache is built; not called if a cache is found. */
  readonly onProgress?: (progress: PackProgress) => void;
  /** Called before a cache is built again. */
  readonly onRebuild?: (rebuild: Rebuild) => void;
  /** Aborting stops the decoding; {@link openDataset} then throws an {@link InterruptedError}. */
  readonly signal?: AbortSignal;
};

/**
 * Opens a folder of photos (JPEG, PNG, WebP, GIF, TIFF, AVIF), flat or with one folder per class, or a `.tar`,
 * `.tar.gz` or `.tgz` of such a folder. The first time, and whenever the source has changed, every photo is decoded
 * into a folder of `cacheDir`. After that the cache is found again from the paths, sizes and times of the files. If
 * every photo is in a folder, the name of its first folder is its label.
 *
 * Throws a {@link DataError}: `missing-source`, `not-a-source`, `unreadable-source`, `damaged-archive`, `no-images`,
 * `unreadable-images`, `too-few-images`, `disk-full`, `cache-not-writable`; a UsageError `bad-size`; an
 * {@link InterruptedError}.
 */
export async function openDataset(from: string | ImageSource, options: OpenOptions): Promise<PackedDataset> {
  const { signal } = options;
  let seen: PackProgress = { done: 0, total: undefined };
  const onProgress = (progress: PackProgress) => {
    seen = progress;
    options.onProgress?.(progress);
  };
  try {
    return await findOrPack(from, { ...options, onProgress });
  } catch (error) {
    if (!signal?.aborted) throw error;
    const of = seen.total === undefined ? "" : ` of ${seen.total}`;
    throw new InterruptedError(
      `Stopped while decoding, after ${seen.done}${of} photos. The photos are as they were and nothing is kept of the ` +
        "decoding. Run the same command again to start anew.",
    );
  }
}

async function findOrPack(from: string | ImageSource, options: OpenOptions): Promise<PackedDataset> {
  const { least = 2, signal, onProgress = () => {}, onRebuild = () => {} } = options;
  const cacheDir = resolve(options.cacheDir ?? defaultCacheDir());
  const source = typeof from === "string" ? await openSource(from, { cacheDir, signal }) : from;
  const size = await chooseSize(options, source, signal);
  const key = cacheKey(size, source.identity);
  const folder = join(cacheDir, key);
  // The second round reads the cache from the first round, or one that another process built in the meantime.
  for (let round = 0; round < 3; round++) {
    const found = await readIndex(folder, key);
    signal?.throwIfAborted();
    const late =
      found.kind === "whole" && round === 0 ? await nowReadable(source, found.index, signal) : undefined;
    if (late !== undefined)
      onRebuild({ folder, reason: `${late} could not be read before and can be read now` });
    else if (found.kind === "whole") {
      assertEnough(found.index, least);
      await noteUse(folder);
      return openPacked(folder, found.index, sourceStamp(size, source.identity));
    }
    if (found.kind === "damaged") onRebuild({ folder, reason: found.reason });
    await pack({ source, size, key, least, cacheDir, onProgress, signal });
  }
  throw new DataError(
    "cache-not-writable",
    `Expected a whole cache in ${folder} after building it, got a damaged one. Name another folder with SALMASK_CACHE.`,
  );
}

/** The first photo that could not be read when a cache was built and can be now; undefined where there is none. */
async function nowReadable(
  source: ImageSource,
  { unread }: CacheIndex,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (unread.length === 0) return undefined;
  const names = new Set(unread);
  for await (const image of source.images(signal)) {
    try {
      if (!names.has(image.name)) continue;
      await image.read();
      return image.name;
    } catch {
      // Not yet.
    } finally {
      image.release();
    }
  }
  return undefined;
}

/** Marks the cache as used now, with the modification time of its index. An index that cannot be changed keeps its time. */
async function noteUse(folder: string): Promise<void> {
  const now = new Date();
  await utimes(join(folder, INDEX_FILE), now, now).catch(() => undefined);
}

function openPacked(folder: string, index: CacheIndex, stamp: string): PackedDataset {
  const samples: Samples = {
    length: index.names.length,
    path: index.source,
    names: index.names,
    classes: index.classes,
    labels: Int32Array.from(index.labels),
    originalSizes: Int32Array.from(index.originalSizes.flat()),
    skipped: index.skipped,
    fingerprint: index.fingerprint,
    sourceStamp: stamp,
  };
  return { ...samples, ...openSquares(join(folder, IMAGES_FILE), index) };
}
