/** A quick look at photos, before their settings are chosen. */
import { InterruptedError } from "../../base/errors.js";
import { readUprightSize } from "../../image/decode.js";
import { openSource } from "./source.js";

export interface Survey {
  /** Files that may be photos. */
  readonly count: number;
  /** Median of the shorter sides of some photos, in pixels; null if none could be read. */
  readonly shortSide: number | null;
}

/** Number of photos whose headers are read. */
const mostHeaders = 64;

/**
 * Counts the photos of a folder or archive and reads the sizes of some: evenly spread in a folder, the first ones in an
 * archive. Throws DataError if there is no such source, and InterruptedError.
 */
export async function surveyPhotos(path: string, signal?: AbortSignal, cacheDir?: string): Promise<Survey> {
  const source = await openSource(path, { cacheDir, signal });
  const every = source.expected === undefined ? 1 : Math.max(1, Math.floor(source.expected / mostHeaders));
  const sides: number[] = [];
  let count = 0;
  for await (const image of source.images()) {
    if (signal?.aborted === true) throw new InterruptedError("Stopped before anything was started.");
    if (count++ % every !== 0 || sides.length === mostHeaders) {
      image.release();
      continue;
    }
    try {
      const { width, height } = await readUprightSize(await image.read());
      sides.push(Math.min(width, height));
    } catch {
      // Packing will find the file again and report why it is skipped.
    } finally {
      image.release();
    }
  }
  sides.sort((a, b) => a - b);
  return { count, shortSide: sides[Math.floor(sides.length / 2)] ?? null };
}
