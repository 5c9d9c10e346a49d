/** All shards of a set, and the photos in them, each with a number. */
import { basename } from "node:path";
import { mapConcurrent } from "../../base/concurrent.js";
import { InterruptedError } from "../../base/errors.js";
import type { SkippedImage } from "../sources/image-source.js";
import { sha256 } from "../store/index-file.js";
import type { FoundShards } from "./find-shards.js";
import { openHttpShard, type Patience, usualPatience } from "./http-shard.js";
import { readIndexFile, writeIndexFile } from "./index-files.js";
import { sortClasses } from "./label.js";
import { openLocalShard, type ShardFile } from "./shard-file.js";
import { hashOfIndex, indexShard, type ShardIndex } from "./shard-index.js";

/** Where a photo lies. */
export interface Place {
  readonly file: ShardFile;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The photos of shards, numbered from 0 to N - 1: those of the first shard in their order, then those of the second. A photo's number is
 * its identity in every random decision.
 */
export interface ShardSet {
  readonly path: string;
  readonly files: readonly ShardFile[];
  /** `[shards + 1]`, the number of each shard's first photo; the last is N. */
  readonly starts: Int32Array;
  /** `[N]`, in bytes from the start of the photo's shard. */
  readonly offsets: Float64Array;
  /** `[N]`, of the photo's file. */
  readonly bytes: Int32Array;
  /** `[N]`, the shard's name and the path in it. */
  readonly names: readonly string[];
  readonly classes: readonly string[];
  /** `[N]`, place in the classes; -1 where there is none. */
  readonly labels: Int32Array;
  readonly skipped: readonly SkippedImage[];
  readonly others: ReadonlyMap<string, number>;
  /** A hash of which photos there are, in which order, with which classes; not of where the shards lie. */
  readonly content: string;
}

export interface OpenShardSet {
  /** Folder of all caches, where indexes are kept. */
  readonly cacheDir: string;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
  /** Called after each shard that had to be looked through, or was known. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** Shards that are looked through at once. */
const atOnce = 8;

/**
 * Opens shards. Each is looked through once, in one pass; its index is kept with its size and version, and found again as long as
 * these are the same. Throws a DataError: `missing-source`, `shard-not-readable`, `ranges-ignored`, `damaged-archive`,
 * `unreadable-images`; an {@link InterruptedError}.
 */
export async function openShardSet(shards: FoundShards, options: OpenShardSet): Promise<ShardSet> {
  const { cacheDir, patience = usualPatience, signal, onProgress = () => {} } = options;
  const { addresses } = shards;
  let done = 0;
  const failed: unknown[] = [];
  const opened = await mapConcurrent(addresses, atOnce, async (address) => {
    if (failed.length > 0) throw failed[0];
    try {
      signal?.throwIfAborted();
      const shard = await openShard(address, { cacheDir, patience, signal });
      onProgress({ done: ++done, total: addresses.length });
      return shard;
    } catch (error) {
      failed.push(signal?.aborted === true ? stopped() : error);
      throw failed[0];
    }
  });
  return join(shards.path, opened);
}

const stopped = () =>
  new InterruptedError(
    "Stopped while shards were looked through. Those that were done are known when the same command starts anew.",
  );

async function openShard(
  address: string,
  {
    cacheDir,
    patience,
    signal,
  }: Required<Pick<OpenShardSet, "cacheDir" | "patience">> & { signal?: AbortSignal },
): Promise<Opened> {
  const file = /^https?:/i.test(address)
    ? await openHttpShard(address, patience, signal)
    : await openLocalShard(address);
  const known = await readIndexFile(cacheDir, file);
  const index = known ?? (await indexShard(file, signal));
  // A folder that cannot be written costs a pass next time, and no more.
  if (known === null) await writeIndexFile(cacheDir, file, index).catch(() => undefined);
  return { file, index };
}

interface Opened {
  readonly file: ShardFile;
  readonly index: ShardIndex;
}

function join(path: string, opened: readonly Opened[]): ShardSet {
  const starts = new Int32Array(opened.length + 1);
  for (const [i, { index }] of opened.entries()) starts[i + 1] = starts[i] + index.names.length;
  const length = starts[opened.length];
  const [offsets, bytes] = [new Float64Array(length), new Int32Array(length)];
  for (const [i, { index }] of opened.entries()) {
    offsets.set(index.offsets, starts[i]);
    bytes.set(index.bytes, starts[i]);
  }
  const others = new Map<string, number>();
  for (const { index } of opened)
    for (const [extension, count] of index.others)
      others.set(extension, (others.get(extension) ?? 0) + count);
  const titles = titlesOf(opened);
  return {
    path,
    files: opened.map(({ file }) => file),
    starts,
    offsets,
    bytes,
    names: opened.flatMap(({ index }, i) => index.names.map((name) => `${titles[i]}/${name}`)),
    ...labelsOf(opened, length),
    skipped: opened.flatMap(({ index }, i) =>
      index.skipped.map(({ name, reason }) => ({ name: `${titles[i]}/${name}`, reason })),
    ),
    others,
    content: sha256(opened.map(({ index }) => hashOfIndex(index)).join("\n")),
  };
}

/** File names, with a number before them where two are equal. */
function titlesOf(opened: readonly Opened[]): string[] {
  const names = opened.map(({ file }) => basename(file.address).replace(/\.tar$/i, ""));
  return new Set(names).size === names.length ? names : names.map((name, i) => `${i}-${name}`);
}

/** By the files beside the photos; by the photos' folders where there are no such files. */
function labelsOf(opened: readonly Opened[], length: number): Pick<ShardSet, "classes" | "labels"> {
  const hasFiles = opened.some(({ index }) => index.classes.length > 0);
  const classesOf = hasFiles
    ? ({ index }: Opened) => index.labels.map((label) => index.classes[label] ?? null)
    : byFolders(opened);
  const found = opened.map(classesOf);
  const classes = sortClasses(new Set(found.flatMap((names) => names.filter((name) => name !== null))));
  const places = new Map(classes.map((name, place) => [name, place]));
  const labels = new Int32Array(length);
  let at = 0;
  for (const names of found)
    for (const name of names) labels[at++] = name === null ? -1 : (places.get(name) ?? -1);
  return { classes, labels };
}

/** The first folder of each photo below the one that all share; none where a photo lies in no folder. */
function byFolders(opened: readonly Opened[]): (shard: Opened) => (string | null)[] {
  const names = opened.flatMap(({ index }) => index.names);
  const folderOf = (name: string) => name.slice(0, name.indexOf("/"));
  const areInFolders = names.every((name) => name.includes("/"));
  const first = names.length === 0 ? "" : folderOf(names[0]);
  const isShared = areInFolders && names.every((name) => folderOf(name) === first);
  const below = (name: string) => (isShared ? name.slice(first.length + 1) : name);
  const haveClasses = areInFolders && names.every((name) => below(name).includes("/"));
  return ({ index }) => index.names.map((name) => (haveClasses ? folderOf(below(name)) : null));
}

/** The shard of a photo. */
export function shardOf({ starts }: Pick<ShardSet, "starts">, id: number): number {
  let [low, high] = [0, starts.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= id) low = middle;
    else high = middle;
  }
  return low;
}

export function placeOf(set: ShardSet, id: number): Place {
  return { file: set.files[shardOf(set, id)], offset: set.offsets[id], bytes: set.bytes[id] };
}
