/** Decodes a source once into a packed cache folder. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { mapOrdered } from "../../base/concurrent.js";
import { DataError, messageOf } from "../../base/errors.js";
import type { PhotoContent } from "../../image/decode.js";
import { type DecodedSquare, decodeSquare } from "../../image/decode-square.js";
import { MAX_SKIPPED, tooManySkipped } from "../sources/archive.js";
import type { SourceImage } from "../sources/image-source.js";
import { TEMPORARY_PREFIX } from "./cache-folder.js";
import { describePack, type Outcome, type PackSource, type WrittenImages } from "./describe-pack.js";
import { IMAGES_FILE, readIndex, writeIndex } from "./index-file.js";

/**
 * Number of photos processed so far, readable or not. `total` is undefined for an archive, which must be read to its
 * end first.
 */
export interface PackProgress {
  readonly done: number;
  readonly total: number | undefined;
}

export interface PackJob extends PackSource {
  readonly cacheDir: string;
  readonly onProgress: (progress: PackProgress) => void;
  readonly signal: AbortSignal | undefined;
}

type Photo =
  | {
      readonly kind: "pixels";
      readonly name: string;
      /** SHA-256 of the file, or of the pixels. */
      readonly content: string;
      readonly square: DecodedSquare;
    }
  /** `unread`: by a fault of the disk or of its rights, which may pass without the file being changed. */
  | { readonly kind: "skipped" | "unread"; readonly name: string; readonly reason: string };

const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;
const FLUSH_BYTES = 4 * 2 ** 20;
// Twice the number of cores, so that reading one photo overlaps with decoding another.
const DECODERS = 2 * availableParallelism();

function digest(content: PhotoContent): string {
  const hash = createHash("sha256");
  if (Buffer.isBuffer(content)) return hash.update(content).digest("hex");
  const { data, width, height } = content;
  return hash.update(`pixels\n${width}\n${height}\n`).update(data).digest("hex");
}

async function readPhoto(image: SourceImage, { size, signal }: PackJob): Promise<Photo> {
  const { name } = image;
  const not = (kind: "skipped" | "unread", error: unknown): Photo => {
    return { kind, name, reason: messageOf(error).split("\n")[0] };
  };
  try {
    let read: PhotoContent;
    try {
      signal?.throwIfAborted();
      read = await image.read();
    } catch (error) {
      // Says why nothing more can be read from the source, such as from a server.
      if (error instanceof DataError) throw error;
      return not(error instanceof Error && "code" in error ? "unread" : "skipped", error);
    }
    try {
      const square = await decodeSquare(read, size, { signal });
      return { kind: "pixels", name, content: digest(read), square };
    } catch (error) {
      return not("skipped", error);
    }
  } finally {
    image.release();
  }
}

const MORE_ROOM =
  "Free some space (caches that are no longer used may be removed), choose a smaller size, or name another folder with SALMASK_CACHE.";

/** Converts a file system error during packing to one that says what to do. */
async function explain(error: unknown, job: PackJob, rows: number): Promise<unknown> {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    const needed = rows * 3 * job.size ** 2;
    const free = await freeBytes(job.cacheDir);
    const message = `Expected room for at least ${needed} bytes in ${job.cacheDir}, got a full disk with ${free ?? "unknown"} bytes free. ${MORE_ROOM}`;
    return new DataError("disk-full", message, error);
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST") {
    const message = `Expected a folder for the cache at ${job.cacheDir} that can be written, got ${code}. Name another with SALMASK_CACHE.`;
    return new DataError("cache-not-writable", message, error);
  }
  return error;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const disk = await statfs(folder).catch(() => undefined);
  return disk === undefined ? undefined : disk.bavail * disk.bsize;
}

async function assertRoom(job: PackJob): Promise<void> {
  const needed = (job.source.expected ?? 0) * 3 * job.size ** 2;
  const free = await freeBytes(job.cacheDir);
  if (free === undefined || needed <= free) return;
  throw new DataError(
    "disk-full",
    `Expected room for ${needed} bytes in ${job.cacheDir}, got ${free} bytes that are free. ${MORE_ROOM}`,
  );
}

/** Removes the remains of builds that were killed more than a day ago. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    if (!entry.startsWith(TEMPORARY_PREFIX)) continue;
    const folder = join(cacheDir, entry);
    const status = await stat(join(folder, IMAGES_FILE)).catch(() => stat(folder).catch(() => undefined));
    if (status !== undefined && Date.now() - status.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/**
 * Builds `<cacheDir>/<key>` in a temporary folder and renames it when it is complete. If another process was faster,
 * its cache stays and this one is deleted; a damaged cache at this path is replaced. Throws a {@link DataError}:
 * `disk-full`, `cache-not-writable`, `no-images`, `unreadable-images`, `too-few-images`, `damaged-archive`; any error
 * after the signal is aborted. No temporary files remain after an error.
 */
export async function pack(job: PackJob): Promise<void> {
  const temporary = join(job.cacheDir, `${TEMPORARY_PREFIX}${process.pid}-${randomUUID()}`);
  let rows = 0;
  const counted = {
    ...job,
    onProgress: (progress: PackProgress) => {
      rows = progress.done;
      job.onProgress(progress);
    },
  };
  try {
    await mkdir(temporary, { recursive: true });
    await removeAbandoned(job.cacheDir);
    await assertRoom(job);
    const written = await writeImages(counted, join(temporary, IMAGES_FILE));
    await writeIndex(temporary, describePack(job, written));
    await publish(temporary, join(job.cacheDir, job.key), job.key);
  } catch (error) {
    throw await explain(error, job, job.source.expected ?? rows);
  } finally {
    // If the path of the cache folder is a file, nothing can be removed, and the error above already says so.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Appends the square of every readable photo. */
async function writeImages(job: PackJob, path: string): Promise<WrittenImages> {
  const { source, size, signal } = job;
  const outcomes = new Map<string, Outcome>();
  const file = await open(path, "w");
  let waiting: Uint8Array[] = [];
  let [storedRows, skipped, done] = [0, 0, 0];
  const flush = async () => {
    await file.appendFile(Buffer.concat(waiting));
    waiting = [];
  };
  try {
    for await (const photo of mapOrdered(source.images(signal), DECODERS, (image) => readPhoto(image, job))) {
      signal?.throwIfAborted();
      // As when an archive is unpacked, a later file replaces an earlier one with the same name.
      if (photo.kind === "pixels") {
        const { planes, original } = photo.square;
        waiting.push(planes);
        const check = crc32(planes);
        outcomes.set(photo.name, { kind: "row", row: storedRows++, check, content: photo.content, original });
      } else {
        outcomes.set(photo.name, { kind: photo.kind, reason: photo.reason });
        const isArchive = source.expected === undefined;
        if (++skipped > MAX_SKIPPED && isArchive) throw tooManySkipped(source.path, photo);
      }
      job.onProgress({ done: ++done, total: source.expected });
      if (waiting.length * 3 * size * size >= FLUSH_BYTES) await flush();
    }
    await flush();
    await file.sync();
    return { outcomes, storedRows, modified: (await file.stat()).mtimeMs };
  } finally {
    await file.close();
  }
}

async function publish(temporary: string, final: string, key: string): Promise<void> {
  const there = await readIndex(final, key);
  if (there.kind === "whole" && there.index.unread.length === 0) return;
  // A folder cannot be renamed to one that contains files, so the one that is replaced is renamed first.
  const aside = `${temporary}-replaced`;
  await rename(final, aside).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rm(aside, { recursive: true, force: true });
  await rename(temporary, final).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}
