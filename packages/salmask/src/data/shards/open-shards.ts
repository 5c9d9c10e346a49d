/** Opens shards to train from them without packing: photos are read, mixed and decoded as they are needed. */
import { resolve } from "node:path";
import type { Samples } from "../samples/samples.js";
import type { SkippedImage } from "../sources/image-source.js";
import { defaultCacheDir } from "../store/cache-folder.js";
import type { PackedDataset } from "../store/dataset.js";
import { assertEnough, withoutPhotos } from "../store/describe-pack.js";
import { sha256 } from "../store/index-file.js";
import type { PhotoStream } from "../store/photo-stream.js";
import { chooseSize, type SizeOptions } from "../store/square-size.js";
import type { Mixing } from "./epoch-plan.js";
import type { FoundShards } from "./find-shards.js";
import type { Patience } from "./http-shard.js";
import { openShardSet } from "./shard-set.js";
import { everything, type Share } from "./share.js";
import { sourceOfShards } from "./source-of-shards.js";
import { ShardStream } from "./stream.js";

/** How shards are opened to train from them. */
export type OpenShards = SizeOptions &
  Mixing & {
    /** Decides by which photos broken ones are replaced. */
    readonly seed: number;
    /** The part of each batch that this process shows. Default: all of it. */
    readonly share?: Share;
    /** Folder of all caches. Default: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
    readonly cacheDir?: string;
    /** How patient requests over HTTP are. */
    readonly patience?: Patience;
    /** Called after each shard whose index is there. */
    readonly onProgress?: (progress: { done: number; total: number }) => void;
    /** Told once of each photo that cannot be decoded. */
    readonly onBroken?: (photo: SkippedImage) => void;
    readonly signal?: AbortSignal;
  };

/** Photos of shards. {@link PhotoStream.settle} before `close`. */
export type StreamedDataset = PackedDataset & { readonly stream: PhotoStream };

/**
 * Opens shards. Heights and widths (`originalSizes`) are known of the photos that were held at least once. The fingerprint is that of
 * names, lengths and classes, the same wherever the shards lie. Throws a DataError: `missing-source`, `shard-not-readable`,
 * `ranges-ignored`, `damaged-archive`, `no-images`, `unreadable-images`, `too-few-images`; a UsageError `bad-size`.
 */
export async function openShards(shards: FoundShards, options: OpenShards): Promise<StreamedDataset> {
  const { openShards: atOnce, shuffleBuffer, seed, share = everything, signal } = options;
  const cacheDir = resolve(options.cacheDir ?? defaultCacheDir());
  const { patience, onProgress, onBroken } = options;
  const set = await openShardSet(shards, { cacheDir, patience, signal, onProgress });
  const { path, names, skipped, others } = set;
  if (names.length === 0) throw withoutPhotos(path, skipped, others);
  assertEnough({ source: path, names, skipped }, 2);
  const size = await chooseSize(options, sourceOfShards(set));
  const { length } = names;
  const originalSizes = new Int32Array(2 * length);
  const stream = new ShardStream(set, {
    size,
    mixing: { openShards: atOnce, shuffleBuffer },
    seed,
    share,
    scratch: cacheDir,
    originalSizes,
    labels: set.labels,
    onBroken,
  });
  const fingerprint = sha256(`shards\n${size}\n${set.content}`).slice(0, 32);
  const samples: Samples = {
    length,
    path,
    names,
    classes: set.classes,
    labels: set.labels,
    originalSizes,
    skipped,
    fingerprint,
    sourceStamp: fingerprint,
  };
  return { ...samples, size, stream, images: (ids) => stream.images(ids), close() {} };
}
