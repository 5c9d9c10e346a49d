/** A file of a folder as a photo that a source offers. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MAX_FILE_BYTES, readingBudget, type SourceImage } from "./image-source.js";

/** Size in bytes and time of modification in ms; -1 where they cannot be had, as reading will tell why. */
export function sizeAndTime(path: string): [number, number] {
  try {
    const { size, mtimeMs } = statSync(path);
    return [size, mtimeMs];
  } catch {
    return [-1, -1];
  }
}

/** The file `root/name` of `bytes` bytes. */
export function fileIn(root: string, name: string, bytes: number): SourceImage {
  let release = () => {};
  return {
    name,
    async read() {
      if (bytes > MAX_FILE_BYTES) throw new Error(`Expected at most ${MAX_FILE_BYTES} bytes, got ${bytes}.`);
      release = await readingBudget.acquire(bytes);
      // Small files are read ten times as fast at once as through libuv's threads, and the decoders, who have those
      // threads to themselves then, work on meanwhile.
      return readFileSync(join(root, name));
    },
    release: () => release(),
  };
}
