/** Detects the kind of a source from its path. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { DataError } from "../../base/errors.js";
import { photosOfSet } from "../sets/registry.js";
import { findShards } from "../shards/find-shards.js";
import { openShardSet } from "../shards/shard-set.js";
import { sourceOfShards } from "../shards/source-of-shards.js";
import { defaultCacheDir } from "../store/cache-folder.js";
import { openArchive } from "./archive.js";
import { openFolder } from "./folder.js";
import type { ImageSource } from "./image-source.js";

export interface OpenSource {
  /** Folder of all caches, where the indexes of shards are kept. Default: the variable SALMASK_CACHE, or `~/.cache/salmask`. */
  readonly cacheDir?: string;
  readonly signal?: AbortSignal;
}

/** Extensions of archives, in lower case. */
const ARCHIVE_EXTENSIONS: readonly string[] = [".tar", ".tar.gz", ".tgz"];

/** Commands that unpack unsupported archives, by extension. */
const UNPACKERS: readonly { readonly extensions: string[]; readonly command: (path: string) => string }[] = [
  { extensions: [".zip"], command: (path) => `unzip ${path} -d photos` },
  { extensions: [".7z"], command: (path) => `7z x ${path} -ophotos` },
  { extensions: [".rar"], command: (path) => `mkdir photos && unrar x ${path} photos/` },
  {
    extensions: [".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tar.zst", ".tzst"],
    command: (path) => `mkdir photos && tar -xf ${path} -C photos`,
  },
];

/**
 * Opens a folder of photos, flat or with one folder per class, a `.tar`, `.tar.gz` or `.tgz` of such a folder, or shards
 * ({@link findShards}), which are looked through where they are not known. Throws a {@link DataError}: `missing-source`,
 * `unreadable-source`, or `not-a-source` for anything else; of shards, what {@link openShardSet} throws.
 */
export async function openSource(
  path: string,
  { cacheDir = defaultCacheDir(), signal }: OpenSource = {},
): Promise<ImageSource> {
  const shards = await findShards(path);
  if (shards !== null) return sourceOfShards(await openShardSet(shards, { cacheDir, signal }));
  const absolute = resolve(path);
  const wanted = `a folder of photos or an archive (${ARCHIVE_EXTENSIONS.join(", ")}) at ${path}`;
  const status = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new DataError("missing-source", `Expected ${wanted}, got nothing there.`, error);
    throw new DataError("unreadable-source", `Expected ${wanted}, got: ${error.message}.`, error);
  });
  if (status.isDirectory()) return (await photosOfSet(absolute)) ?? openFolder(absolute);
  const hasExtension = (extension: string) => absolute.toLowerCase().endsWith(extension);
  if (status.isFile() && ARCHIVE_EXTENSIONS.some(hasExtension)) return openArchive(absolute);
  if (status.isFile()) {
    for (const { extensions, command } of UNPACKERS) {
      const extension = extensions.find(hasExtension);
      if (extension === undefined) continue;
      const quoted = /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
      const mend = `Unpack it, and give the folder: ${command(quoted)}`;
      throw new DataError("not-a-source", `Expected ${wanted}, got a ${extension} file. ${mend}`);
    }
  }
  const got = status.isFile() ? "a file of another kind" : "something else";
  throw new DataError("not-a-source", `Expected ${wanted}, got ${got}.`);
}
