/** What photos there are, without their pixels. */
import type { SkippedImage } from "../sources/image-source.js";

export interface Samples {
  /** Number of photos, N. */
  readonly length: number;
  /** Absolute path of the source. */
  readonly path: string;
  /** `[N]`, path relative to the source, with `/`, sorted by code units. */
  readonly names: readonly string[];
  /** Names of the classes, sorted; empty where the photos lie in no folders. */
  readonly classes: readonly string[];
  /** `[N]`, position in `classes`, -1 where there are none. */
  readonly labels: Int32Array;
  /** `[N, 2]`, height and width in pixels of the upright photo. */
  readonly originalSizes: Int32Array;
  /** Files that could not be used. */
  readonly skipped: readonly SkippedImage[];
  /**
   * Hexadecimal digits of the photos' names and contents and of the squares' size: the same for a copy elsewhere, a
   * folder and its archive, and after a file was touched. What a run compares to know its photos again.
   */
  readonly fingerprint: string;
  /**
   * Hexadecimal digits of the path, names, sizes and times: what checkpoints of version 0.1.0 hold instead. Photos are
   * the same where either is.
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
