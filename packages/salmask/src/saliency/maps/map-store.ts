/** Where the maps of photos are kept until they are asked for again. */
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { empty, fromTypedArray, keep, type Tensor, tensor } from "@salmask/torch";
import { DataError, messageOf } from "../../base/errors.js";
import type { MapSize } from "../source.js";

/** Maps by the numbers of their photos, each `[rows, cols]`. */
export interface MapStore {
  /** `maps` `[n, rows, cols]` on the CPU. */
  write(ids: Int32Array, maps: Tensor): void;
  /** `[n, rows, cols]`; those that were not written are undefined. */
  read(ids: Int32Array): Tensor;
  dispose(): void;
}

/** Takes ownership of `maps`, `[N, rows, cols]`. */
export function storeOf(maps: Tensor): MapStore {
  return {
    write(ids, values) {
      for (const [row, id] of ids.entries()) maps.narrow(0, id, 1).copy_(values.narrow(0, row, 1));
    },
    read: (ids) => maps.indexSelect(0, tensor(ids)), // [n, rows, cols]
    dispose: () => maps.dispose(),
  };
}

/** Room in memory for the maps of `length` photos. */
export function mapsInMemory(length: number, { rows, cols }: MapSize): MapStore {
  return storeOf(keep(empty([length, rows, cols])));
}

/**
 * A file for maps of photos that may not fit into memory. It has no name, so that nothing stays of it when the process ends in any
 * way. Throws a {@link DataError} `maps-not-writable`.
 */
export function mapsOnDisk(folder: string, { rows, cols }: MapSize): MapStore {
  const numbers = rows * cols;
  const bytes = numbers * Float32Array.BYTES_PER_ELEMENT;
  const file = guarded(() => {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `.building-maps-${process.pid}-${randomUUID().slice(0, 8)}`);
    const opened = openSync(path, "wx+");
    unlinkSync(path);
    return opened;
  });
  let isOpen = true;
  return {
    write(ids, maps) {
      const values = maps.toFloat32Array(); // [n * rows * cols]
      guarded(() => {
        for (const [row, id] of ids.entries())
          writeSync(file, values.subarray(row * numbers, (row + 1) * numbers), 0, bytes, id * bytes);
      });
    },
    read(ids) {
      const values = new Float32Array(ids.length * numbers);
      const all = new Uint8Array(values.buffer);
      for (const [row, id] of ids.entries()) readSync(file, all, row * bytes, bytes, id * bytes);
      return fromTypedArray(values, [ids.length, rows, cols]); // [n, rows, cols]
    },
    dispose() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };

  function guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new DataError(
        "maps-not-writable",
        `Expected room for maps of saliency in ${folder}, got: ${messageOf(error)}. Name another folder with --data.cache.`,
        error,
      );
    }
  }
}
