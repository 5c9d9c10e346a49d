/** Where photos come from: a folder or an archive of one, behind one interface. Sources are only ever read. */
import { WeightedSemaphore } from "../../base/weighted-semaphore.js";

/** A file that was left out, and why. */
export interface SkippedImage {
  /** Path relative to the source, with `/`. */
  readonly name: string;
  readonly reason: string;
}

/** A file that a source offers by its name; its content has not been looked at. */
export interface SourceImage {
  readonly name: string;
  /** The whole file. Waits while other files that are held take too much memory. Rejects where it cannot be read. */
  read(): Promise<Buffer>;
  /** Says that the content is no longer needed, read or not, so that others may be read. */
  release(): void;
}

export interface ImageSource {
  /** Absolute path of the folder or archive. */
  readonly path: string;
  /** What changes when the source changes: names, sizes and times of modification. */
  readonly identity: string;
  /** Number of files that {@link images} yields; undefined for an archive, which tells at its end. */
  readonly expected: number | undefined;
  /** The files with a photo's extension, without hidden ones. May be iterated again. Aborting makes it throw. */
  images(signal?: AbortSignal): AsyncIterable<SourceImage>;
  /** What an iteration that has ended saw besides. */
  summary(): SourceSummary;
}

export interface SourceSummary {
  /** Leading folder common to all files of an archive, with its `/`, to be cut off the names; else empty. */
  readonly commonFolder: string;
  /** Files left out without being offered: pictures that cannot be decoded, links, folders that cannot be read. */
  readonly skipped: readonly SkippedImage[];
  /** Files by extension that are no pictures by their name, such as `.txt` -> 3. */
  readonly others: ReadonlyMap<string, number>;
}

/** Larger files are skipped, because a file is held in memory as a whole. */
export const MAX_FILE_BYTES = 2 ** 29;

/** Bytes of files that are held at once, as they are stored, by all sources together. */
export const readingBudget = new WeightedSemaphore(MAX_FILE_BYTES);
