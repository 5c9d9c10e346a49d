/** Where photos come from: a folder or an archive of one, behind one interface. Sources are only ever read. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { DataError } from "../../base/errors.js";
import { openArchive } from "./archive.js";
import { openFolder } from "./folder.js";

/** A photo that was left out, and why. */
export interface SkippedImage {
  /** Path relative to the source, with `/`. */
  readonly name: string;
  readonly reason: string;
}

/** A file that a source offers by its name; its content has not been looked at. */
export interface SourceImage {
  readonly name: string;
  /** The whole file. Rejects where it cannot be read. */
  read(): Promise<Buffer>;
}

export interface ImageSource {
  /** Absolute path of the folder or archive. */
  readonly path: string;
  /** What changes when the source changes: names, sizes and times of modification. */
  readonly identity: string;
  /** Number of files that {@link images} yields; undefined for an archive, which tells at its end. */
  readonly expected: number | undefined;
  /** The files with a photo's extension, without hidden ones. May be iterated again. */
  images(): AsyncIterable<SourceImage>;
  /** What an iteration that has ended saw besides. */
  summary(): SourceSummary;
}

export interface SourceSummary {
  /** Leading folder common to all files of an archive, with its `/`, to be cut off the names; else empty. */
  readonly commonFolder: string;
  /** Files left out without being offered: links that lead out, folders that cannot be read. */
  readonly skipped: readonly SkippedImage[];
  /** Files by extension that are not photos by their name, such as `.txt` -> 3. */
  readonly others: ReadonlyMap<string, number>;
}

/** Extensions of archives, compared in lower case. */
export const ARCHIVE_EXTENSIONS: readonly string[] = [".tar", ".tar.gz", ".tgz"];

/**
 * Opens a folder of photos, flat or one folder a class, or a `.tar`, `.tar.gz` or `.tgz` of the same.
 * Throws a {@link DataError}: `missing-source`, or `not-a-source` for what is neither.
 */
export async function openSource(path: string): Promise<ImageSource> {
  const absolute = resolve(path);
  const wanted = `a folder of photos or an archive (${ARCHIVE_EXTENSIONS.join(", ")})`;
  const status = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    const missing = error.code === "ENOENT" || error.code === "ENOTDIR";
    if (missing)
      throw new DataError("missing-source", `expected ${wanted} at ${path}, but nothing is there`, error);
    throw new DataError("unreadable-source", `expected ${wanted} at ${path}, but: ${error.message}`, error);
  });
  if (status.isDirectory()) return openFolder(absolute);
  const isArchive = ARCHIVE_EXTENSIONS.some((extension) => absolute.toLowerCase().endsWith(extension));
  if (status.isFile() && isArchive) return openArchive(absolute);
  const came = status.isFile() ? "a file of another kind" : "something else";
  throw new DataError("not-a-source", `expected ${wanted} at ${path}, but ${came} is there`);
}
