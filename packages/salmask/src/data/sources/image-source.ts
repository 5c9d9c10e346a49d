/** Sources of photos: a folder, or an archive of one, with the same interface. Sources are only read, never changed. */
import { WeightedSemaphore } from "../../base/weighted-semaphore.js";
import type { PhotoContent } from "../../image/decode.js";

/** A skipped file, with the reason. */
export interface SkippedImage {
  /** Path relative to the source, with `/`. */
  readonly name: string;
  readonly reason: string;
}

/** A photo that a source offers by its name; its content has not been looked at. */
export interface SourceImage {
  readonly name: string;
  /**
   * The whole file, or the pixels where a source stores them as such. Waits while other files that are held take too much
   * memory. Rejects where it cannot be read.
   */
  read(): Promise<PhotoContent>;
  /** Says that the content is no longer needed, read or not, so that others may be read. */
  release(): void;
}

/** What a source knows of its photos' classes by other means than their folders. */
export interface SourceLabels {
  readonly classes: readonly string[];
  /** Position in `classes`, by the photo's name; -1 where it has none. */
  labelOf(name: string): number;
}

/** Photos that can be read one after another: a folder, an archive, or a part of a data set. */
export interface ImageSource {
  /** Absolute path of the folder or archive. */
  readonly path: string;
  /** Without these, photos have the classes of their folders. */
  readonly labels?: SourceLabels;
  /** What changes when the source changes: names, sizes and times of modification, and labels that are given. */
  readonly identity: string;
  /** Number of files that {@link images} yields; undefined for an archive, which must be read to its end first. */
  readonly expected: number | undefined;
  /** The files with a photo's extension, except hidden ones. It can be iterated several times. Throws if it is aborted. */
  images(signal?: AbortSignal): AsyncIterable<SourceImage>;
  /** What a finished iteration found in addition to the images. */
  summary(): SourceSummary;
}

/** What a source can say once all of its photos were offered. */
export interface SourceSummary {
  /** First folder that all files of an archive share, with its `/`, to be removed from the names; otherwise empty. */
  readonly commonFolder: string;
  /** Skipped files that were not offered: pictures in unsupported formats, links, unreadable folders. */
  readonly skipped: readonly SkippedImage[];
  /** Counts of files whose names are not those of pictures, by extension, such as `.txt` -> 3. */
  readonly others: ReadonlyMap<string, number>;
}

/** Larger files are skipped, because the whole file must be in memory. */
export const MAX_FILE_BYTES = 2 ** 29;

/** Bytes of files, in their stored form, that all sources together hold in memory at once. */
export const readingBudget = new WeightedSemaphore(MAX_FILE_BYTES);
