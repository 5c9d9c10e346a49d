/** A tar archive of which parts are read: a file of this machine, or one behind HTTP. */
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { DataError } from "../../base/errors.js";

/** A tar archive of which parts are read. It holds nothing open between two reads. */
export interface ShardFile {
  /** Absolute path or address, for messages. */
  readonly address: string;
  readonly bytes: number;
  /** Changes with the content: the time of modification, or what the server says instead. */
  readonly stamp: string;
  /** How many bytes it is worth to read at once. */
  readonly window: { readonly least: number; readonly most: number };
  /**
   * `length` bytes from `offset`, both within the file. Throws a {@link DataError}: `shard-changed` where the file is not the one that was
   * opened, `shard-not-readable`.
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
}

export const notReadable = (address: string, got: string, cause?: unknown): DataError =>
  new DataError("shard-not-readable", `Expected a shard that can be read at ${address}, got: ${got}.`, cause);

export const changed = (address: string): DataError =>
  new DataError(
    "shard-changed",
    `Expected the shard ${address} as it was when the run began, got another size or version of it. Start a new run.`,
  );

const stampOf = ({ size, mtimeMs }: Stats) => `${size} ${mtimeMs}`;

/** A file of this machine. Throws a {@link DataError}: `missing-source`, `shard-not-readable`. */
export async function openLocalShard(path: string): Promise<ShardFile> {
  const { size, stamp } = await withFile(path, async (file) => {
    const status = await file.stat();
    if (!status.isFile()) throw notReadable(path, "something else than a file");
    return { size: status.size, stamp: stampOf(status) };
  });
  return {
    address: path,
    bytes: size,
    stamp,
    window: { least: 2 ** 12, most: 2 ** 18 },
    read: (offset, length, signal) =>
      withFile(path, async (file) => {
        signal?.throwIfAborted();
        const bytes = Buffer.allocUnsafeSlow(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        if (bytesRead < length || stampOf(await file.stat()) !== stamp) throw changed(path);
        return bytes;
      }),
  };
}

async function withFile<T>(
  path: string,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<T>,
): Promise<T> {
  try {
    await using file = await open(path, "r");
    return await work(file);
  } catch (error) {
    if (!(error instanceof Error) || !("syscall" in error && "code" in error)) throw error;
    if (error.code === "ENOENT" || error.code === "ENOTDIR")
      throw new DataError("missing-source", `Expected a shard at ${path}, got nothing there.`, error);
    throw notReadable(path, error.message, error);
  }
}
