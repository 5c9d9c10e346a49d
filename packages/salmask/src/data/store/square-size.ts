/** Chooses the size of the stored squares. */
import { UsageError } from "../../base/errors.js";
import { readUprightSize } from "../../image/decode.js";
import type { ImageSource } from "../sources/image-source.js";

/** The size of the stored squares: in pixels, or suitable for crops of `crop` pixels. */
export type SizeOptions = { readonly size: number } | { readonly size: "auto"; readonly crop: number };

const MAX_SIZE = 4096;
const HEADERS_READ = 64;

/**
 * The side of the stored squares for crops of `crop` pixels. For crops up to 128 it is twice the crop, because detail
 * costs little there; otherwise 8/7 of the crop (256 for 224). At most `longest`, because a larger size adds no detail.
 */
export function squareSize(crop: number, longest: number): number {
  return Math.min(crop <= 128 ? 2 * crop : Math.round((crop * 8) / 7), longest);
}

/** The largest short side in the headers of the first photos of the source. Unreadable photos are skipped. */
async function largestShortSide(source: ImageSource, signal: AbortSignal | undefined): Promise<number> {
  let largest = 0;
  let read = 0;
  for await (const image of source.images(signal)) {
    try {
      const { width, height } = await readUprightSize(await image.read());
      largest = Math.max(largest, Math.min(width, height));
    } catch {
      // Packing will find the file again and report why it is skipped.
    } finally {
      image.release();
    }
    if (++read === HEADERS_READ) break;
  }
  return largest === 0 ? Number.POSITIVE_INFINITY : largest;
}

/** The side in pixels. Throws a {@link UsageError} `bad-size` if it is not from 1 to 4096. */
export async function chooseSize(
  options: SizeOptions,
  source: ImageSource,
  signal?: AbortSignal,
): Promise<number> {
  const wanted = options.size === "auto" ? options.crop : options.size;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MAX_SIZE) {
    const what = options.size === "auto" ? "crop" : "size";
    throw new UsageError("bad-size", `Expected a ${what} of 1 to ${MAX_SIZE} pixels, got ${wanted}.`);
  }
  return options.size === "auto"
    ? squareSize(options.crop, await largestShortSide(source, signal))
    : options.size;
}
