/** A source of photos opened: decoded once into a packed cache, found again from then on. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { DataError } from "../../base/errors.js";
import type { Samples } from "../samples/samples.js";
import { openSource } from "../sources/source.js";
import { CACHE_VERSION, type CacheIndex, IMAGES_FILE, readIndex, sha256 } from "./index-file.js";
import { type PackProgress, pack } from "./pack.js";
import { chooseSize, type SizeOptions } from "./square-size.js";
import { openSquares, type Squares } from "./squares.js";

/** The photos of a folder or an archive, and their pixels as squares. */
export type PackedDataset = Samples & Squares;

export type OpenOptions = SizeOptions & {
  /** Folder of all caches. Default: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
  readonly cacheDir?: string;
  /** Called after each photo while a cache is built; never where one is found. */
  readonly onProgress?: (progress: PackProgress) => void;
};

/** The folder of all caches: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
export function defaultCacheDir(): string {
  return process.env.SALMASK_CACHE || join(homedir(), ".cache", "salmask");
}

/**
 * Opens a folder of photos (JPEG, PNG, WebP), flat or one folder a class, or a `.tar`, `.tar.gz` or `.tgz` of the
 * same. The first time, and whenever the source has changed, every photo is decoded into
 * `<cacheDir>/<fingerprint>/`; after that the cache is found again by the paths, sizes and times of the files.
 * Photos have labels where each lies in a folder, by the first folder's name.
 *
 * Throws a {@link DataError}: `missing-source`, `not-a-source`, `unreadable-source`, `damaged-archive`,
 * `no-images`, `unreadable-images`, `too-few-images`, `disk-full`, `cache-not-writable`; a UsageError
 * `bad-size`.
 */
export async function openDataset(path: string, options: OpenOptions): Promise<PackedDataset> {
  const cacheDir = resolve(options.cacheDir ?? defaultCacheDir());
  const source = await openSource(path);
  const size = await chooseSize(options, source);
  const fingerprint = sha256([CACHE_VERSION, size, source.identity].join("\n")).slice(0, 32);
  const folder = join(cacheDir, fingerprint);
  const onProgress = options.onProgress ?? (() => undefined);
  // The second round reads what the first built, or what another process put in its place.
  for (let round = 0; round < 3; round++) {
    const index = await readIndex(folder, fingerprint);
    if (index !== undefined) return openPacked(folder, index);
    await pack({ source, size, fingerprint, cacheDir, onProgress });
  }
  throw new DataError(
    "cache-not-writable",
    `expected a whole cache in ${folder} after building it, but it is damaged`,
  );
}

function openPacked(folder: string, index: CacheIndex): PackedDataset {
  const samples: Samples = {
    length: index.names.length,
    path: index.source,
    names: index.names,
    classes: index.classes,
    labels: Int32Array.from(index.labels),
    originalSizes: Int32Array.from(index.originalSizes.flat()),
    skipped: index.skipped,
    fingerprint: index.fingerprint,
  };
  const { size, storedRows, rows } = index;
  return { ...samples, ...openSquares({ path: join(folder, IMAGES_FILE), size, storedRows, rows }) };
}
