/** One photo as a data set, for which no cache is worth its place on the disk. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fromTypedArray } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { decodeSquare } from "../../image/decode-square.js";
import type { PackedDataset } from "./dataset.js";
import { contentFingerprint, sourceStamp } from "./identity.js";

/**
 * The photo `folder/name`, stretched to a square of `size` pixels; its path is the folder. Throws a {@link DataError}
 * `unreadable-photo`.
 */
export async function photoInMemory(folder: string, name: string, size: number): Promise<PackedDataset> {
  const { bytes, square } = await decoded(join(folder, name), size);
  const content = createHash("sha256").update(bytes).digest("hex");
  return {
    length: 1,
    size,
    path: folder,
    names: [name],
    classes: [],
    labels: Int32Array.of(-1),
    originalSizes: Int32Array.from(square.original),
    skipped: [],
    fingerprint: contentFingerprint(size, [{ name, content }]),
    sourceStamp: sourceStamp(size, join(folder, name)),
    images: (ids) =>
      fromTypedArray(Buffer.concat(Array.from(ids, () => square.planes)), [ids.length, 3, size, size]),
    close() {},
  };
}

async function decoded(path: string, size: number) {
  try {
    const bytes = await readFile(path);
    return { bytes, square: await decodeSquare(bytes, size) };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new DataError(
      "unreadable-photo",
      `Expected a photo that can be decoded at ${path}, got: ${why}`,
      error,
    );
  }
}
