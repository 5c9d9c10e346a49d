/** Embeddings of photos, from a folder or from the file that an earlier call wrote. */
import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { DataError } from "../../base/errors.js";
import { isImageName } from "../../data/sources/names.js";
import { photoInMemory } from "../../data/store/photo-in-memory.js";
import { squareSize } from "../../data/store/square-size.js";
import { embedDataset, embedWith, type LookOptions } from "./embed.js";
import type { OpenEncoder } from "./encoder.js";
import { isEmbeddingsFile, readEmbeddings } from "./files.js";
import type { PhotoEmbeddings } from "./photo-embeddings.js";

/**
 * The embeddings of a folder or an archive of photos, or those of a `.npy` that `embed` wrote with the same encoder. Throws
 * {@link DataError}: `other-encoder`, `missing-embeddings`, `not-embeddings`, and what opening photos throws.
 */
export async function openEmbeddings(
  encoder: OpenEncoder,
  from: string,
  options: LookOptions,
): Promise<PhotoEmbeddings> {
  if (!isEmbeddingsFile(from)) return embedWith(encoder, from, options);
  const embeddings = await readEmbeddings(from);
  if (embeddings.weights === encoder.weights) return embeddings;
  embeddings[Symbol.dispose]();
  throw new DataError(
    "other-encoder",
    `Expected embeddings by this encoder in ${from}, got another one's. Write them again: salmask embed RUN PHOTOS --out ${from}`,
  );
}

/** The embeddings of one photo, a folder or an archive, prepared as those that they are compared with. */
export async function embedQueries(
  encoder: OpenEncoder,
  query: string,
  options: LookOptions,
): Promise<PhotoEmbeddings> {
  const status = await stat(query).catch(() => null);
  if (status?.isFile() !== true || !isImageName(basename(query))) return embedWith(encoder, query, options);
  const { size = squareSize(encoder.crop, Number.POSITIVE_INFINITY), ...rest } = options;
  const photo = await photoInMemory(dirname(resolve(query)), basename(query), size);
  return embedDataset(encoder, photo, rest);
}
