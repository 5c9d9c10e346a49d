import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { DataError } from "../../base/errors.js";
import { statusOf } from "../../base/files.js";
import { whyNotDecoded } from "../../image/formats.js";
import { fileIn, sizeAndTime } from "./file-image.js";
import type { ImageSource, SkippedImage } from "./image-source.js";
import { byCodeUnits, countUp, extensionOf, isImageName } from "./names.js";

/** A folder whose files are known by name. */
export interface FolderSource extends ImageSource {
  /** Of the photos, relative to the folder, with `/`, in the order in which they are offered. */
  readonly names: readonly string[];
}

interface Walk {
  readonly root: string;
  /** Whether a file or folder that lies directly in the root is looked at. */
  readonly takes: (name: string) => boolean;
  readonly names: string[];
  readonly skipped: SkippedImage[];
  readonly others: Map<string, number>;
}

/**
 * Collects the files in `root/folder`. Links to files inside the root count as files. Other links and linked folders
 * are skipped; linked folders can form an endless circle.
 */
async function walk(state: Walk, folder: string): Promise<void> {
  for (const entry of await readdir(join(state.root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith(".") || (folder === "" && !state.takes(entry.name))) continue;
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      await walk(state, name).catch((error: NodeJS.ErrnoException) => {
        state.skipped.push({ name: `${name}/`, reason: error.message });
      });
      continue;
    }
    const reason = entry.isSymbolicLink()
      ? await whyNotFollowed(state.root, name)
      : whyNotDecoded(extensionOf(name));
    if (reason !== undefined) state.skipped.push({ name, reason });
    else if (!isImageName(name)) countUp(state.others, extensionOf(name));
    else if (entry.isFile() || entry.isSymbolicLink()) state.names.push(name);
  }
}

/** Why a link does not count as its target file; undefined if it does. */
async function whyNotFollowed(root: string, name: string): Promise<string | undefined> {
  const target = await realpath(join(root, name)).catch(() => undefined);
  const status = target === undefined ? undefined : statusOf(target);
  if (status?.isDirectory()) {
    return `Expected a folder, got a link to ${target}. Copy the folder here, or give it by itself.`;
  }
  const other = whyNotDecoded(extensionOf(name));
  if (other !== undefined || !isImageName(name)) return other;
  if (target === undefined || status === undefined) return "Expected a file, got a link to nothing.";
  if (target.startsWith(root + sep)) return undefined;
  return "Expected a file, got a link that leads out of the folder. Copy the file here.";
}

/**
 * A folder of photos, searched at every depth, in order of the relative path's code units; of what lies directly in it, only what
 * `takes` says. Its identity is the path, and every photo's relative name, size in bytes and time of modification.
 */
export async function openFolder(
  path: string,
  takes: (name: string) => boolean = () => true,
): Promise<FolderSource> {
  const root = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(
      "missing-source",
      `Expected a folder of photos at ${path}, got: ${error.message}.`,
      error,
    );
  });
  const state: Walk = { root, takes, names: [], skipped: [], others: new Map() };
  await walk(state, "").catch((error: NodeJS.ErrnoException) => {
    throw new DataError(
      "unreadable-source",
      `Expected a folder of photos that can be listed, got: ${error.message}.`,
      error,
    );
  });
  const files = state.names.sort(byCodeUnits).map((name) => {
    const [bytes, time] = sizeAndTime(join(root, name));
    return { name, bytes, time };
  });
  const facts = files.map(({ name, bytes, time }) => JSON.stringify([name, bytes, time]));
  return {
    path,
    names: state.names,
    identity: ["folder", path, ...facts].join("\n"),
    expected: files.length,
    async *images(signal) {
      for (const { name, bytes } of files) {
        signal?.throwIfAborted();
        yield fileIn(root, name, bytes);
      }
    },
    summary: () => ({ commonFolder: "", skipped: state.skipped, others: state.others }),
  };
}
