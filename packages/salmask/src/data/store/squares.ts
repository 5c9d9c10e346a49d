/** Pixels: photos squashed to squares of one size, in one file that all runs on a machine share. */
import { fromTypedArray, keep, mapFile, scope, type Tensor } from "@salmask/torch";

/** Photos as squares. The crop is drawn in the original photo's shape and mapped to the square, so squashing distorts no view. */
export interface Squares {
  /** Side of the squares in pixels, S. */
  readonly size: number;
  /** Copies photos out of the store: `[B]` ids of 0 to N - 1 to `[B, 3, S, S]` uint8 on the CPU, in their order. */
  images(ids: ArrayLike<number>): Tensor;
  /** Frees the store; `images` throws from then on. Closing twice is allowed. */
  close(): void;
}

// libtorch's indexSelect starts its threads anew for every slice of 32,768 elements or more, and once for all
// smaller ones: on two busy cores 60 ms against 7 ms a batch of 128. So a photo is gathered in pieces below that.
const LARGEST_PIECE = 32_767;

/** The fewest equal pieces of whole pixel rows that a square can be cut into, none above {@link LARGEST_PIECE}. */
function piecesOf(size: number): number {
  const pixelRows = 3 * size;
  for (let pieces = 1; pieces < pixelRows; pieces++) {
    if (pixelRows % pieces === 0 && (pixelRows / pieces) * size <= LARGEST_PIECE) return pieces;
  }
  return pixelRows;
}

export interface StoredSquares {
  /** Path of the file: squares `[3, size, size]` uint8, one after another. */
  readonly path: string;
  readonly size: number;
  /** Squares in the file. */
  readonly storedRows: number;
  /** `[N]`, the square of each photo. */
  readonly rows: readonly number[];
}

export function openSquares({ path, size, storedRows, rows }: StoredSquares): Squares {
  const rowBytes = 3 * size * size;
  const pieces = piecesOf(size);
  let squares: Tensor | undefined = scope(() => {
    const bytes = mapFile(path, storedRows * rowBytes, "uint8"); // [R * 3 * S * S]
    return keep(bytes.view([storedRows * pieces, rowBytes / pieces])); // [R * P, 3 * S * S / P]
  });
  return {
    size,
    images(ids) {
      if (squares === undefined) throw new Error("Expected an open data set, got one that was closed.");
      const chosen = new BigInt64Array(ids.length * pieces); // [B * P]
      for (let i = 0; i < ids.length; i++) {
        const row = rows[ids[i]];
        if (row === undefined) {
          throw new RangeError(`Expected ids of photos from 0 to ${rows.length - 1}, got ${ids[i]}.`);
        }
        for (let piece = 0; piece < pieces; piece++)
          chosen[i * pieces + piece] = BigInt(row * pieces + piece);
      }
      using picked = fromTypedArray(chosen, [chosen.length]); // [B * P]
      using gathered = squares.indexSelect(0, picked); // [B * P, 3 * S * S / P]
      return gathered.view([ids.length, 3, size, size]); // [B, 3, S, S]
    },
    close() {
      squares?.dispose();
      squares = undefined;
    },
  };
}
