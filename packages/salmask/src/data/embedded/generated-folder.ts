/** Folders of generated files: written whole beside their place, then renamed into it. */
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { DataError, InterruptedError, UsageError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { temporaryName } from "../../base/files.js";

/** Says from which options a folder was generated; it is written last. */
const stampName = "embedded.json";

const errorCode = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** Names in a folder; undefined where there is none. Throws DataError where the path is no readable folder. */
export async function namesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined;
    throw new DataError(
      "embedded-folder",
      `Expected a folder at ${folder}, got something that cannot be listed. Name another folder.`,
      cause,
    );
  }
}

/** A folder that holds something else is never replaced. */
async function refuseForeign(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names === undefined || names.length === 0 || names.includes(stampName)) return;
  throw new UsageError(
    "embedded-folder-taken",
    `Expected ${folder} to be missing, empty or an embedded data set, got other files in it (${names[0]}). Name another folder.`,
  );
}

/** Puts a finished folder in the place of an older data set or of nothing; on failure the older one stays. */
async function putInPlace(finished: string, folder: string): Promise<void> {
  const old = temporaryName(folder);
  try {
    await rename(folder, old);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  try {
    await rename(finished, folder);
  } catch (error) {
    await rename(old, folder).catch(() => undefined);
    throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

/** What happens while pictures are drawn. */
export interface DrawingOptions {
  /** Aborting ends the drawing with InterruptedError; an older set in the folder stays. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** A function to call after each of `total` pictures: it reports progress, and throws {@link InterruptedError} if aborted. */
export function pictureCounter(total: number, { signal, report = silent }: DrawingOptions): () => void {
  let done = 0;
  return () => {
    report({ kind: "progress", what: "drawing pictures", done: ++done, total });
    if (signal?.aborted !== true) return;
    throw new InterruptedError(
      `Stopped while drawing, after ${done} of ${total} pictures; nothing is kept of them. The same command starts anew.`,
    );
  };
}

/** What is generated into a folder. */
export interface Generation {
  /** Absolute path. */
  readonly folder: string;
  /** Text that changes with the options, and with all else that the files depend on. */
  readonly stamp: string;
  /** Whether every file is there. */
  isComplete(folder: string): Promise<boolean>;
  /** Writes every file into a new folder. */
  build(folder: string): Promise<void>;
}

/**
 * Generates the folder's files, unless they are there already; returns whether it did. A generated folder of other options is
 * replaced. Throws {@link UsageError} `embedded-folder-taken` where the folder holds anything else.
 */
export async function generateFolder({ folder, stamp, isComplete, build }: Generation): Promise<boolean> {
  const isThere = async () => (await hasStamp(folder, stamp)) && (await isComplete(folder));
  if (await isThere()) return false;
  await refuseForeign(folder);
  const temporary = temporaryName(folder);
  try {
    await build(temporary);
    await writeFile(join(temporary, stampName), stamp);
    // Another process may have generated the same files by now.
    if (await isThere()) return false;
    await putInPlace(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return true;
}

async function hasStamp(folder: string, stamp: string): Promise<boolean> {
  if ((await namesIn(folder))?.includes(stampName) !== true) return false;
  return (await readFile(join(folder, stampName), "utf8")) === stamp;
}

export async function writePng(
  path: string,
  pixels: Uint8Array,
  size: number,
  channels: 1 | 3,
): Promise<void> {
  await sharp(pixels, { raw: { width: size, height: size, channels } })
    .toColourspace(channels === 1 ? "b-w" : "srgb")
    .png({ compressionLevel: 1 })
    .toFile(path);
}
