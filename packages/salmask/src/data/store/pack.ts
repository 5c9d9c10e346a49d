/** Decodes a source once into a packed cache folder. */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { mapOrdered } from "../../base/concurrent.js";
import { DataError } from "../../base/errors.js";
import { decodeImage, squashToPlanes } from "../../image/decode.js";
import type { ImageSource, SourceImage } from "../sources/source.js";
import { describePack, type Outcome } from "./describe-pack.js";
import { IMAGES_FILE, readIndex, writeIndex } from "./index-file.js";

/** Photos looked at so far, read or not; `total` is undefined for an archive, which tells at its end. */
export interface PackProgress {
  readonly done: number;
  readonly total: number | undefined;
}

export interface PackJob {
  readonly source: ImageSource;
  readonly size: number;
  readonly fingerprint: string;
  readonly cacheDir: string;
  readonly onProgress: (progress: PackProgress) => void;
}

type Photo =
  | {
      readonly kind: "pixels";
      readonly name: string;
      readonly planes: Uint8Array;
      readonly original: [number, number];
    }
  | { readonly kind: "skipped"; readonly name: string; readonly reason: string };

const TEMPORARY_PREFIX = ".building-";
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;
const FLUSH_BYTES = 4 * 2 ** 20;
// Twice the cores, so that reading one photo overlaps decoding another.
const DECODERS = 2 * availableParallelism();

async function readPhoto(image: SourceImage, size: number): Promise<Photo> {
  const { name } = image;
  try {
    const photo = await decodeImage(await image.read());
    const planes = await squashToPlanes(photo, size); // [3, size, size]
    return { kind: "pixels", name, planes, original: [photo.height, photo.width] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "skipped", name, reason: message.split("\n")[0] };
  }
}

/** An error of the file system while the cache is written, as one that says what to do. */
async function explain(error: unknown, job: PackJob, rows: number): Promise<unknown> {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const mend = "free some space, choose a smaller size, or name another folder with SALMASK_CACHE";
  if (code === "ENOSPC" || code === "EDQUOT") {
    const needed = rows * 3 * job.size ** 2;
    const free = await freeBytes(job.cacheDir);
    const message = `expected room for at least ${needed} bytes in ${job.cacheDir}, but the disk is full: ${free ?? "unknown"} bytes are free; ${mend}`;
    return new DataError("disk-full", message, error);
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR" || code === "EEXIST") {
    const message = `expected a folder for the cache at ${job.cacheDir} that can be written, but ${code} came; name another with SALMASK_CACHE`;
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
  const mend = "free some space, choose a smaller size, or name another folder with SALMASK_CACHE";
  throw new DataError(
    "disk-full",
    `expected room for ${needed} bytes in ${job.cacheDir}, but ${free} bytes are free; ${mend}`,
  );
}

/** Removes what builds left behind that were killed more than a day ago. */
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
 * Builds `<cacheDir>/<fingerprint>` in a temporary folder of its own and renames it when it is whole. Where another
 * process was quicker, its cache stays and this one is dropped; a damaged cache in the way is replaced.
 * Throws a {@link DataError}: `disk-full`, `cache-not-writable`, `no-images`, `unreadable-images`,
 * `too-few-images`, `damaged-archive`. Nothing temporary is left then.
 */
export async function pack(job: PackJob): Promise<void> {
  const temporary = join(job.cacheDir, `${TEMPORARY_PREFIX}${process.pid}-${randomUUID()}`);
  const outcomes = new Map<string, Outcome>();
  try {
    await mkdir(temporary, { recursive: true });
    await removeAbandoned(job.cacheDir);
    await assertRoom(job);
    const storedRows = await writeImages(job, join(temporary, IMAGES_FILE), outcomes);
    await writeIndex(temporary, describePack(job, outcomes, storedRows));
    await publish(temporary, join(job.cacheDir, job.fingerprint), job.fingerprint);
  } catch (error) {
    throw await explain(error, job, job.source.expected ?? outcomes.size);
  } finally {
    // Where the cache's folder is itself a file, there is nothing to remove and the error above says so.
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Appends the square of every readable photo; returns how many. */
async function writeImages(job: PackJob, path: string, outcomes: Map<string, Outcome>): Promise<number> {
  const { source, size } = job;
  const rowBytes = 3 * size * size;
  const file = await open(path, "w");
  let waiting: Uint8Array[] = [];
  let rows = 0;
  let done = 0;
  const flush = async () => {
    await file.appendFile(Buffer.concat(waiting));
    waiting = [];
  };
  try {
    for await (const photo of mapOrdered(source.images(), DECODERS, (image) => readPhoto(image, size))) {
      // As in unpacking an archive, a later file of the same name takes the place of the earlier one.
      if (photo.kind === "pixels") {
        waiting.push(photo.planes);
        outcomes.set(photo.name, { kind: "row", row: rows++, original: photo.original });
      } else {
        outcomes.set(photo.name, { kind: "skipped", reason: photo.reason });
      }
      job.onProgress({ done: ++done, total: source.expected });
      if (waiting.length * rowBytes >= FLUSH_BYTES) await flush();
    }
    await flush();
    await file.sync();
  } finally {
    await file.close();
  }
  return rows;
}

async function publish(temporary: string, final: string, fingerprint: string): Promise<void> {
  if ((await readIndex(final, fingerprint)) !== undefined) return;
  // A folder cannot be renamed onto one that holds files; the damaged one steps aside first.
  const aside = `${temporary}-replaced`;
  await rename(final, aside).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rm(aside, { recursive: true, force: true });
  await rename(temporary, final).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}
