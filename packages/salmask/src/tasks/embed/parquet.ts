/** Embeddings as a Parquet file: the column `path`, and the column `embedding`, a list of float32. */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import { temporaryName } from "../../base/files.js";
import type { Matrix } from "./npy.js";

const schema: SchemaElement[] = [
  { name: "root", num_children: 2 },
  { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "embedding", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
];

/** Numbers that are turned into a group of rows at a time. */
const numbersAtOnce = 2 ** 20;

/** What the file says of itself. */
export interface ParquetContent {
  readonly paths: readonly string[];
  readonly matrix: Matrix;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes the file to a temporary name, flushes it and renames it. Makes missing folders. */
export async function writeParquet(path: string, { paths, matrix, metadata }: ParquetContent): Promise<void> {
  const { rows, columns, data } = matrix;
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    const writer = new ParquetWriter({
      writer: fileWriter(temporary),
      schema,
      createdBy: "salmask",
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    const group = Math.max(1, Math.floor(numbersAtOnce / columns));
    for (let from = 0; from < rows; from += group) {
      const names = paths.slice(from, from + group);
      const vectors = names.map((_, i) =>
        Array.from(data.subarray((from + i) * columns, (from + i + 1) * columns)),
      );
      await writer.write({
        columnData: [
          { name: "path", data: names },
          // Floats of embeddings neither repeat nor shrink.
          {
            name: "embedding",
            data: vectors,
            encoding: "PLAIN",
            codec: "UNCOMPRESSED",
            statistics: false,
          },
        ],
        rowGroupSize: group,
      });
      // Lets signal handlers and timers run.
      await new Promise(setImmediate);
    }
    await writer.finish();
    const file = await open(temporary, "r+");
    await file.sync().finally(() => file.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
