/** The photos of a data set, without their pixels. */
import type { SkippedImage } from "../sources/image-source.js";

/** The photos of a data set, without their pixels. */
export interface Samples {
  /** Number of photos, N. */
  readonly length: number;
  /** Absolute path of the source. */
  readonly path: string;
  /** `[N]`, path relative to the source, with `/`, sorted by code units. */
  readonly names: readonly string[];
  /** Names of the classes, sorted; empty if the photos are not in folders. */
  readonly classes: readonly string[];
  /** `[N]`, index into `classes`; -1 if there are no classes. */
  readonly labels: Int32Array;
  /** `[N, 2]`, height and width in pixels of the upright photo. */
  readonly originalSizes: Int32Array;
  /** Files that could not be used. */
  readonly skipped: readonly SkippedImage[];
  /**
   * Hexadecimal hash of the photos' names and contents and of the squares' size. It is the same for a copy in another
   * place, for a folder and its archive, and for files with changed times. A run compares it to recognise its photos.
   */
  readonly fingerprint: string;
  /**
   * Hexadecimal hash of the path, names, sizes and times; checkpoints of version 0.1.0 contain only this one. Photos
   * are the same if either hash is equal.
   */
  readonly sourceStamp: string;
}

/** A photo's path in its source, and its size in pixels. */
export function photoOf(
  { names, originalSizes }: Pick<Samples, "names" | "originalSizes">,
  id: number,
): { name: string; height: number; width: number } {
  return { name: names[id], height: originalSizes[id * 2], width: originalSizes[id * 2 + 1] };
}
