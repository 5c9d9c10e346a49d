/**
 * Photos decoded once into squares of one size, in a file that the memory map shares among all runs. The crop is
 * drawn in the original photo's shape and mapped to the square, so squashing distorts no view.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fromTypedArray, keep, mapFile, scope, type Tensor } from "@salmask/torch";
import { DataError, UsageError } from "../../base/errors.js";
import { readUprightSize } from "../../image/decode.js";
import { type ImageSource, openSource, type SkippedImage } from "../sources/source.js";
import { CACHE_VERSION, type CacheIndex, IMAGES_FILE, readIndex, sha256 } from "./index-file.js";
import { type PackProgress, pack } from "./pack.js";

export interface PackedDataset {
  /** Number of photos, N. */
  readonly length: number;
  /** Side of the stored squares in pixels, S. */
  readonly size: number;
  /** Names of the classes, sorted; empty where the photos lie in no folders. */
  readonly classes: string[];
  /** `[N]`, position in `classes`, -1 where there are none. */
  readonly labels: Int32Array;
  /** `[N]`, path relative to the source, with `/`, sorted by code units. */
  readonly names: string[];
  /** `[N, 2]`, height and width in pixels of the upright photo. */
  readonly originalSizes: Int32Array;
  /** Photos that could not be used. */
  readonly skipped: SkippedImage[];
  /** Absolute path of the source. */
  readonly path: string;
  /** Hexadecimal digits that change when the source or the size does. */
  readonly fingerprint: string;
  /** Copies photos out of the map: `[B]` ids of 0 to N - 1 to `[B, 3, S, S]` uint8 on the CPU, in their order. */
  images(ids: ArrayLike<number>): Tensor;
  /** Frees the map; `images` throws from then on. Closing twice is allowed. */
  close(): void;
}

/** A photo's path in its source, and its size in pixels. */
export function photoOf(
  { names, originalSizes }: Pick<PackedDataset, "names" | "originalSizes">,
  id: number,
): { name: string; height: number; width: number } {
  return { name: names[id], height: originalSizes[id * 2], width: originalSizes[id * 2 + 1] };
}

/** How large the stored squares are: pixels, or fit for crops of `crop` pixels (see {@link squareSize}). */
export type SizeOptions = { readonly size: number } | { readonly size: "auto"; readonly crop: number };

export type OpenOptions = SizeOptions & {
  /** Folder of all caches. Default: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
  readonly cacheDir?: string;
  /** Called after each photo while a cache is built; never where one is found. */
  readonly onProgress?: (progress: PackProgress) => void;
};

const MAX_SIZE = 4096;
const HEADERS_READ = 64;

/**
 * The side of the stored squares for crops of `crop` pixels: twice the crop for small ones (up to 128), where
 * detail is cheap, else 8/7 of it (256 for 224); but no more than `longest`, beyond which pixels would be made up.
 */
export function squareSize(crop: number, longest: number): number {
  return Math.min(crop <= 128 ? 2 * crop : Math.round((crop * 8) / 7), longest);
}

/** The largest short side among the first photos' headers, as the source gives them; unreadable ones are passed over. */
async function largestShortSide(source: ImageSource): Promise<number> {
  let largest = 0;
  let read = 0;
  for await (const image of source.images()) {
    try {
      const { width, height } = await readUprightSize(await image.read());
      largest = Math.max(largest, Math.min(width, height));
    } catch {
      // Packing meets it again and says why it is skipped.
    }
    if (++read === HEADERS_READ) break;
  }
  return largest === 0 ? Number.POSITIVE_INFINITY : largest;
}

async function chooseSize(options: SizeOptions, source: ImageSource): Promise<number> {
  const wanted = options.size === "auto" ? options.crop : options.size;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_SIZE) {
    const what = options.size === "auto" ? "crop" : "size";
    throw new UsageError("bad-size", `expected a ${what} of 1 to ${MAX_SIZE} pixels, but ${wanted} came`);
  }
  return options.size === "auto" ? squareSize(options.crop, await largestShortSide(source)) : options.size;
}

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
 * `no-images`, `unreadable-images`, `too-few-images`, `disk-full`, `cache-not-writable`; a {@link UsageError}
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

// libtorch's indexSelect starts its threads anew for every slice of 32,768 elements or more, and once for all
// smaller ones: on two busy cores 60 ms against 7 ms a batch of 128. So a photo is gathered in pieces below that.
const LARGEST_PIECE = 32_767;

/** The fewest equal pieces of whole pixel rows that a square can be cut into, none above {@link LARGEST_PIECE}. */
function piecesOf(size: number): number {
  const pixelRows = 3 * size;
  for (let pieces = 1; pieces < pixelRows; pieces++) {
    if (pixelRows % pieces === 0 && (pixelRows / pieces) * size <= LARGEST_PIECE) return pieces;
  }
  return pixelRows;
}

function openPacked(folder: string, index: CacheIndex): PackedDataset {
  const { size, storedRows, names, rows } = index;
  const rowBytes = 3 * size * size;
  const pieces = piecesOf(size);
  let squares: Tensor | undefined = scope(() => {
    const bytes = mapFile(join(folder, IMAGES_FILE), storedRows * rowBytes, "uint8"); // [R * 3 * S * S]
    return keep(bytes.view([storedRows * pieces, rowBytes / pieces])); // [R * P, 3 * S * S / P]
  });
  return {
    length: names.length,
    size,
    classes: index.classes,
    labels: Int32Array.from(index.labels),
    names,
    originalSizes: Int32Array.from(index.originalSizes.flat()),
    skipped: index.skipped,
    path: index.source,
    fingerprint: index.fingerprint,
    images(ids) {
      if (squares === undefined) throw new Error("expected an open data set, but it was closed");
      const chosen = new BigInt64Array(ids.length * pieces); // [B * P]
      for (let i = 0; i < ids.length; i++) {
        const row = rows[ids[i]];
        if (row === undefined) {
          throw new RangeError(`expected ids of photos from 0 to ${names.length - 1}, but ${ids[i]} came`);
        }
        for (let piece = 0; piece < pieces; piece++)
          chosen[i * pieces + piece] = BigInt(row * pieces + piece);
      }
      using picked = fromTypedArray(chosen, [chosen.length]); // [B * P]
      using gathered = squares.indexSelect(0, picked); // [B * P, 3 * S * S / P]
      return gathered.view([ids.length, 3, size, size]); // [B, 3, S, S]
    },
    close() {
      squares?.dispose();
      squares = undefined;
    },
  };
}
