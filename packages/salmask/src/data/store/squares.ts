/** Pixels: photos stretched to squares of one size, in one file that all runs on a machine share. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";
import { fromTypedArray, keep, mapFile, scope, type Tensor } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { invalidate } from "./index-file.js";

/**
 * Photos as squares. Crops are drawn in the shape of the original photo and mapped to the square, so views are not
 * distorted.
 */
export interface Squares {
  /** Side of the squares in pixels, S. */
  readonly size: number;
  /** Copies photos from the store: `[B]` ids from 0 to N - 1 to `[B, 3, S, S]` uint8 on the CPU, in the same order. */
  images(ids: ArrayLike<number>): Tensor;
  /** Frees the store; afterwards `images` throws. A second call has no effect. */
  close(): void;
}

// libtorch's indexSelect starts its threads once per slice if slices have 32,768 elements or more, but once in total
// for smaller slices: 60 ms instead of 7 ms per batch of 128 on two busy cores. So a photo is copied in smaller pieces.
const LARGEST_PIECE = 32_767;

/** The smallest number of equal pieces of whole pixel rows such that no piece is larger than {@link LARGEST_PIECE}. */
function piecesOf(size: number): number {
  const pixelRows = 3 * size;
  for (let pieces = 1; pieces < pixelRows; pieces++) {
    if (pixelRows % pieces === 0 && (pixelRows / pieces) * size <= LARGEST_PIECE) return pieces;
  }
  return pixelRows;
}

/** Describes the squares `[3, size, size]` uint8 that are stored one after another in a file. */
export interface StoredSquares {
  readonly size: number;
  /** Number of squares in the file, R. */
  readonly storedRows: number;
  /** `[N]`, the square of each photo. */
  readonly rows: readonly number[];
  /** `[N]`, CRC-32 of the square of each photo. */
  readonly checks: readonly number[];
  /** `[N]`, for messages. */
  readonly names: readonly string[];
}

/**
 * Opens the file of a cache folder. Each square is checked when it is first read. If a square has changed, or the file
 * has become shorter, `images` throws a DataError `damaged-cache`, and the next opening packs the photos again.
 */
export function openSquares(path: string, stored: StoredSquares): Squares {
  const { size, storedRows, rows } = stored;
  const rowBytes = 3 * size * size;
  const pieces = piecesOf(size);
  const file = openSync(path, "r");
  let squares: Tensor | undefined;
  try {
    assertLength(file, path, storedRows * rowBytes);
    squares = scope(() => {
      const bytes = mapFile(path, storedRows * rowBytes, "uint8"); // [R * 3 * S * S]
      return keep(bytes.view([storedRows * pieces, rowBytes / pieces])); // [R * P, 3 * S * S / P]
    });
  } catch (error) {
    closeSync(file);
    throw error;
  }
  const checked = new Uint8Array(rows.length);
  return {
    size,
    images(ids) {
      if (squares === undefined) throw new Error("Expected an open data set, got one that was closed.");
      const chosen = new BigInt64Array(ids.length * pieces); // [B * P]
      let unchecked = false;
      for (let i = 0; i < ids.length; i++) {
        const row = rows[ids[i]];
        if (row === undefined) {
          throw new RangeError(`Expected ids of photos from 0 to ${rows.length - 1}, got ${ids[i]}.`);
        }
        for (let piece = 0; piece < pieces; piece++)
          chosen[i * pieces + piece] = BigInt(row * pieces + piece);
        unchecked ||= checked[ids[i]] === 0;
      }
      // Reading mapped pages after the end of a file would end the process.
      assertLength(file, path, storedRows * rowBytes);
      using picked = fromTypedArray(chosen, [chosen.length]); // [B * P]
      using gathered = squares.indexSelect(0, picked); // [B * P, 3 * S * S / P]
      if (unchecked) checkRows(gathered, ids);
      return gathered.view([ids.length, 3, size, size]); // [B, 3, S, S]
    },
    close() {
      if (squares === undefined) return;
      squares.dispose();
      squares = undefined;
      closeSync(file);
    },
  };

  function checkRows(gathered: Tensor, ids: ArrayLike<number>): void {
    const bytes = gathered.toTypedArray();
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (checked[id] === 1) continue;
      const square = new Uint8Array(bytes.buffer, bytes.byteOffset + i * rowBytes, rowBytes);
      if (crc32(square) !== stored.checks[id]) {
        throw damagedCache(path, `the square of ${stored.names[id]} as it was packed`, "other bytes");
      }
      checked[id] = 1;
    }
  }
}

function assertLength(file: number, path: string, bytes: number): void {
  const { size } = fstatSync(file);
  if (size < bytes) throw damagedCache(path, `${bytes} bytes of packed photos`, `${size} bytes`);
}

function damagedCache(path: string, expected: string, got: string): DataError {
  const folder = dirname(path);
  const mend = invalidate(folder)
    ? "Run the same command again (with --resume where a run had begun): the photos are then packed anew."
    : `Remove the folder ${folder}, then run the same command again.`;
  return new DataError("damaged-cache", `Expected ${expected} in ${path}, got ${got}. ${mend}`);
}
