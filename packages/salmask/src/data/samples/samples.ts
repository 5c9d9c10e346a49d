/** What photos there are, without their pixels. */
import type { SkippedImage } from "../sources/source.js";

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
  /** Hexadecimal digits that change when the source or the size does. */
  readonly fingerprint: string;
}

/** A photo's path in its source, and its size in pixels. */
export function photoOf(
  { names, originalSizes }: Pick<Samples, "names" | "originalSizes">,
  id: number,
): { name: string; height: number; width: number } {
  return { name: names[id], height: originalSizes[id * 2], width: originalSizes[id * 2 + 1] };
}
