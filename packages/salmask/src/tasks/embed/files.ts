/**
 * Files of embeddings: NumPy's `NAME.npy` with `NAME.paths.json` beside it, or Parquet. The first kind can be read again, so that the
 * photos need not be looked at twice.
 */
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { fromTypedArray, keep } from "@salmask/torch";
import { z } from "zod";
import { DataError, messageOf, UsageError } from "../../base/errors.js";
import { writeFileAtomic } from "../../base/files.js";
import { npyPieces, readNpy } from "./npy.js";
import { writeParquet } from "./parquet.js";
import type { PhotoEmbeddings } from "./photo-embeddings.js";

const pathsSchema = z.object({
  version: z.literal(1),
  source: z.string(),
  weights: z.string(),
  size: z.int().positive(),
  /** CRC-32 of the numbers, so that the two files belong together. */
  check: z.int(),
  paths: z.array(z.string()),
  skipped: z.array(z.object({ name: z.string(), reason: z.string() })),
});

/** The file with the paths of the rows of a `.npy`. */
export const pathsFileOf = (npy: string): string => npy.replace(/[.]npy$/i, ".paths.json");

/** Whether a path is that of embeddings that can be read again. */
export const isEmbeddingsFile = (path: string): boolean => extname(path).toLowerCase() === ".npy";

/** Throws {@link UsageError} `bad-option` where no kind of file has the name's ending. */
export function refuseOtherKinds(path: string): void {
  if ([".npy", ".parquet"].includes(extname(path).toLowerCase())) return;
  throw new UsageError(
    "bad-option",
    `Expected a file whose name ends in .npy or .parquet for --out, got ${JSON.stringify(path)}.`,
  );
}

/** Writes embeddings by the ending of the name, and gives the files. Throws {@link UsageError} `bad-option`. */
export async function saveEmbeddings(path: string, embeddings: PhotoEmbeddings): Promise<string[]> {
  refuseOtherKinds(path);
  const { source, paths, vectors, skipped, weights, size } = embeddings;
  const [rows, columns] = vectors.shape;
  const matrix = { rows, columns, data: vectors.toFloat32Array() };
  if (!isEmbeddingsFile(path)) {
    await writeParquet(path, { paths, matrix, metadata: { source, weights, size: String(size) } });
    return [path];
  }
  const check = crc32(new Uint8Array(matrix.data.buffer));
  const content = { version: 1, source, weights, size, check, paths, skipped };
  await writeFileAtomic(path, npyPieces(matrix));
  await writeFileAtomic(pathsFileOf(path), `${JSON.stringify(content, null, 1)}\n`);
  return [path, pathsFileOf(path)];
}

/**
 * The embeddings of a `.npy` that {@link saveEmbeddings} wrote. Throws {@link DataError}: `missing-embeddings`, `not-embeddings` where the
 * two files are damaged or do not belong together.
 */
export async function readEmbeddings(path: string): Promise<PhotoEmbeddings> {
  const beside = pathsFileOf(path);
  const [bytes, text] = await Promise.all([read(path), read(beside)]);
  const { rows, columns, data } = readNpy(bytes, path);
  const content = described(text, beside);
  const isWhole = content.paths.length === rows && content.check === crc32(new Uint8Array(data.buffer));
  if (!isWhole || rows === 0 || !data.every(Number.isFinite)) {
    throw new DataError(
      "not-embeddings",
      `Expected finite numbers in ${path} that belong to ${beside}, got others. Write both again: salmask embed RUN PHOTOS --out ${path}`,
    );
  }
  const vectors = keep(fromTypedArray(data, [rows, columns])); // [N, d]
  const { source, paths, skipped, weights, size } = content;
  return {
    source: resolve(source),
    paths,
    vectors,
    skipped,
    weights,
    size,
    [Symbol.dispose]: () => vectors.dispose(),
  };
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DataError(
      "missing-embeddings",
      `Expected embeddings as salmask embed writes them at ${path}, got: ${messageOf(error)}.`,
      error,
    );
  }
}

function described(text: Buffer, path: string): z.infer<typeof pathsSchema> {
  try {
    return pathsSchema.parse(JSON.parse(text.toString("utf8")));
  } catch (error) {
    throw new DataError(
      "not-embeddings",
      `Expected the paths that salmask embed writes in ${path}, got something else.`,
      error,
    );
  }
}
