/** Masks as run lengths, in the form of COCO: columns first, and the first run is of pixels outside the mask. */
import { DataError } from "../../base/errors.js";
import { shown } from "../../base/faults.js";

/** A mask of a photo as run lengths. */
export interface Rle {
  readonly height: number;
  readonly width: number;
  /** Lengths of runs, outside and inside in turn, down the columns from the left; they add up to `height * width`. */
  readonly counts: Uint32Array;
}

/**
 * A mask of runs as a file gives them (COCO's uncompressed `counts`). Runs of zero pixels are kept as they are.
 *
 * Throws DataError: `rle-size` for a photo of no pixels or of more than 2^32 - 1, `rle-run` for a run that is not a whole
 * number, `rle-negative-run`, `rle-sum` where the runs are not as many pixels as the photo.
 */
export function rleOfCounts(counts: readonly number[], height: number, width: number): Rle {
  checkSize(height, width);
  let sum = 0;
  for (const [i, run] of counts.entries()) {
    if (!Number.isInteger(run)) {
      throw new DataError(
        "rle-run",
        `Expected whole numbers of pixels as runs of a mask, got ${shown(run)} as run ${i}.`,
      );
    }
    if (run < 0) {
      throw new DataError(
        "rle-negative-run",
        `Expected runs of a mask of at least 0 pixels, got ${run} as run ${i}.`,
      );
    }
    sum += run;
  }
  if (sum !== height * width) {
    throw new DataError(
      "rle-sum",
      `Expected runs of a mask that add up to its ${width} x ${height} = ${width * height} pixels, got ${sum}.`,
    );
  }
  return { height, width, counts: Uint32Array.from(counts) };
}

/** Throws DataError `rle-size` where a mask of this size cannot be held. */
export function checkSize(height: number, width: number): void {
  const isWhole = Number.isInteger(height) && Number.isInteger(width);
  if (isWhole && height > 0 && width > 0 && height * width < 2 ** 32) return;
  throw new DataError(
    "rle-size",
    `Expected a height and a width of a mask of at least 1 pixel each and fewer than 2^32 pixels in all, got ${shown(height)} and ${shown(width)}.`,
  );
}

/**
 * @param pixels `[height * width]`, row after row; whatever is not 0 is inside
 *
 * Throws RangeError where `pixels` has another length, DataError `rle-size` as {@link rleOfCounts}.
 */
export function encodeMask(pixels: Uint8Array, height: number, width: number): Rle {
  checkSize(height, width);
  if (pixels.length !== height * width) {
    throw new RangeError(`Expected ${height * width} pixels of a mask, got ${pixels.length}.`);
  }
  const counts: number[] = [];
  let isInside = false;
  let run = 0;
  for (let column = 0; column < width; column++) {
    for (let i = column; i < pixels.length; i += width) {
      if ((pixels[i] !== 0) !== isInside) {
        counts.push(run);
        run = 0;
        isInside = !isInside;
      }
      run++;
    }
  }
  counts.push(run);
  return { height, width, counts: Uint32Array.from(counts) };
}

/** `[height * width]`, row after row, 1 inside and 0 outside. */
export function decodeMask({ height, width, counts }: Rle): Uint8Array {
  const pixels = new Uint8Array(height * width);
  let position = 0;
  for (const [i, run] of counts.entries()) {
    const end = position + run;
    if (i % 2 === 1) {
      for (let p = position; p < end; p++) pixels[(p % height) * width + Math.floor(p / height)] = 1;
    }
    position = end;
  }
  return pixels;
}
