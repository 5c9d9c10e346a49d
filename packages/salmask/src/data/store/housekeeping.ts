/** Lists the packed caches on this machine, and removes unused ones. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { UsageError } from "../../base/errors.js";
import { defaultCacheDir, TEMPORARY_PREFIX } from "./cache-folder.js";
import { INDEX_FILE } from "./index-file.js";

export interface PackedCache {
  /** Name of its folder, which identifies it for removal. */
  readonly name: string;
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Absolute path of its source of photos; null if its index cannot be read. */
  readonly source: string | null;
  /** Number of photos; null if the index cannot be read. */
  readonly photos: number | null;
  /** Side of the squares in pixels; null if the index cannot be read. */
  readonly size: number | null;
  /** Bytes of all its files. */
  readonly bytes: number;
  readonly lastUsed: Date;
}

const CACHE_NAME = /^[0-9a-f]{32}$/;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The fields that the index has in all versions of the cache. */
const anyIndexSchema = z.object({
  content: z.object({ source: z.string(), size: z.number(), names: z.array(z.unknown()) }),
});

async function readAnyIndex(
  folder: string,
): Promise<{ source: string; photos: number; size: number } | undefined> {
  try {
    const { content } = anyIndexSchema.parse(JSON.parse(await readFile(join(folder, INDEX_FILE), "utf8")));
    return { source: content.source, photos: content.names.length, size: content.size };
  } catch {
    return undefined;
  }
}

async function look(folder: string, name: string): Promise<PackedCache | undefined> {
  const files = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    files.map(async (file) => ({ file, status: await stat(join(folder, file)).catch(() => undefined) })),
  );
  const times = found.flatMap(({ status }) => (status === undefined ? [] : [status.mtimeMs]));
  // Each use updates the modification time of the index. For a folder without an index, the newest file counts.
  const used = found.find(({ file }) => file === INDEX_FILE)?.status?.mtimeMs ?? Math.max(...times);
  if (!Number.isFinite(used)) return undefined;
  const index = await readAnyIndex(folder);
  return {
    name,
    folder,
    source: index?.source ?? null,
    photos: index?.photos ?? null,
    size: index?.size ?? null,
    bytes: found.reduce((sum, { status }) => sum + (status?.size ?? 0), 0),
    lastUsed: new Date(used),
  };
}

/**
 * The caches in a folder, the last used first, including those of other versions and those that a killed process left.
 * Empty if the folder does not exist. Default: the default folder of caches.
 */
export async function listCaches(cacheDir: string = defaultCacheDir()): Promise<PackedCache[]> {
  const absolute = resolve(cacheDir);
  const names = await readdir(absolute).catch(() => []);
  const caches: PackedCache[] = [];
  for (const name of names) {
    if (!CACHE_NAME.test(name) && !name.startsWith(TEMPORARY_PREFIX)) continue;
    const cache = await look(join(absolute, name), name);
    if (cache !== undefined) caches.push(cache);
  }
  return caches.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

/** The caches to remove: those unused for some days (0 means all), or those with these names. */
export type CacheSelection = { readonly unusedForDays: number } | { readonly names: readonly string[] };

/**
 * Removes caches and returns the removed ones. A process that has one open can continue to use it. A cache that another
 * process is building is not removed for one day. Throws a {@link UsageError}: `bad-days`, or `no-such-cache` before
 * anything is removed.
 */
export async function removeCaches(
  selection: CacheSelection,
  cacheDir: string = defaultCacheDir(),
): Promise<PackedCache[]> {
  const now = Date.now();
  const isBeingBuilt = ({ name, lastUsed }: PackedCache) =>
    name.startsWith(TEMPORARY_PREFIX) && now - lastUsed.getTime() < DAY_MS;
  const caches = (await listCaches(cacheDir)).filter((cache) => !isBeingBuilt(cache));
  const chosen = choose(caches, selection, now);
  for (const { folder } of chosen) await rm(folder, { recursive: true, force: true });
  return chosen;
}

function choose(caches: readonly PackedCache[], selection: CacheSelection, now: number): PackedCache[] {
  if ("unusedForDays" in selection) {
    const days = selection.unusedForDays;
    if (!(days >= 0))
      throw new UsageError("bad-days", `Expected a number of days of 0 or more, got ${days}.`);
    return caches.filter(({ lastUsed }) => now - lastUsed.getTime() >= days * DAY_MS);
  }
  return selection.names.map((name) => {
    const cache = caches.find((each) => each.name === name);
    if (cache !== undefined) return cache;
    const there = caches.length === 0 ? "no cache at all" : caches.map((each) => each.name).join(", ");
    throw new UsageError("no-such-cache", `Expected the name of a cache, got ${name}. There is ${there}.`);
  });
}
