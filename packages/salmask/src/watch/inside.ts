/**
 * Reads files of a folder, and nothing that a link in it leads to. Calls wait for the disk: a page asks for dozens of small files at
 * once, and to wait for each in turn takes ten times as long.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, type Stats } from "node:fs";
import { join } from "node:path";
import { statusOf } from "../base/files.js";

/** Larger files of text or pictures are no run's. */
const mostBytes = 64 * 1024 * 1024;

export interface OpenFile extends Disposable {
  readonly descriptor: number;
  readonly stats: Stats;
}

/**
 * Opens a file below `folder`, an absolute path without links; null where there is none, where a part of its path is a link, or
 * where it is no plain file. The caller disposes of it.
 */
export function openInside(folder: string, name: string): OpenFile | null {
  const path = join(folder, name);
  if (!path.startsWith(`${folder}/`)) return null;
  try {
    if (realpathSync(path) !== path) return null;
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(descriptor);
    const close = () => closeSync(descriptor);
    if (stats.isFile()) return { descriptor, stats, [Symbol.dispose]: close };
    close();
    return null;
  } catch {
    return null;
  }
}

/** The bytes of a file as {@link openInside} finds it; null also for a very large one. */
export function bytesInside(folder: string, name: string): Buffer | null {
  using file = openInside(folder, name);
  return file === null || file.stats.size > mostBytes ? null : readFileSync(file.descriptor);
}

/** The text of a file, as {@link bytesInside}. */
export function textInside(folder: string, name: string): string | null {
  return bytesInside(folder, name)?.toString("utf8") ?? null;
}

/** A text that changes when one of the files does; `-` stands for each that is not there. */
export function stampOf(folder: string, names: readonly string[]): string {
  const stamps = names.map((name) => {
    const found = statusOf(join(folder, name));
    return found === undefined ? "-" : `${Math.round(found.mtimeMs)}.${found.size}`;
  });
  return stamps.join(" ");
}
