import { readFileSync, statSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { DataError } from "../../base/errors.js";
import { whyNotDecoded } from "../../image/formats.js";
import {
  type ImageSource,
  MAX_FILE_BYTES,
  readingBudget,
  type SkippedImage,
  type SourceImage,
} from "./image-source.js";
import { byCodeUnits, countUp, extensionOf, isImageName } from "./names.js";

interface Walk {
  readonly root: string;
  readonly names: string[];
  readonly skipped: SkippedImage[];
  readonly others: Map<string, number>;
}

/**
 * Gathers the files below `root/folder`. Links to files within the root count as files; other links and linked folders
 * are skipped, the latter because a circle of them has no end.
 */
async function walk(state: Walk, folder: string): Promise<void> {
  for (const entry of await readdir(join(state.root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
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

/** Why a link does not count as the file that it leads to; undefined where it does. */
async function whyNotFollowed(root: string, name: string): Promise<string | undefined> {
  const target = await realpath(join(root, name)).catch(() => undefined);
  const status = target === undefined ? undefined : statSync(target, { throwIfNoEntry: false });
  if (status?.isDirectory()) {
    return `Expected a folder, got a link to ${target}. Copy the folder here, or give it by itself.`;
  }
  const other = whyNotDecoded(extensionOf(name));
  if (other !== undefined || !isImageName(name)) return other;
  if (target === undefined || status === undefined) return "Expected a file, got a link to nothing.";
  if (target.startsWith(root + sep)) return undefined;
  return "Expected a file, got a link that leads out of the folder. Copy the file here.";
}

/** Size in bytes and time of modification in ms; -1 where they cannot be had, as reading will tell why. */
function sizeAndTime(path: string): [number, number] {
  try {
    const { size, mtimeMs } = statSync(path);
    return [size, mtimeMs];
  } catch {
    return [-1, -1];
  }
}

/**
 * A folder of photos, searched at every depth, in order of the relative path's code units. Its identity is the
 * path, and every photo's relative name, size in bytes and time of modification.
 */
export async function openFolder(path: string): Promise<ImageSource> {
  const root = await realpath(path);
  const state: Walk = { root, names: [], skipped: [], others: new Map() };
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

function fileIn(root: string, name: string, bytes: number): SourceImage {
  let release = () => {};
  return {
    name,
    async read() {
      if (bytes > MAX_FILE_BYTES) throw new Error(`Expected at most ${MAX_FILE_BYTES} bytes, got ${bytes}.`);
      release = await readingBudget.acquire(bytes);
      // Small files are read ten times as fast at once as through libuv's threads, and the decoders, who have those
      // threads to themselves then, work on meanwhile.
      return readFileSync(join(root, name));
    },
    release: () => release(),
  };
}
