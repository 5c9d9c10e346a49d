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
 * Collects the files in `root/folder`. Links to files inside the root count as files. Other links and linked folders
 * are skipped; linked folders can form an endless circle.
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

/** Why a link does not count as its target file; undefined if it does. */
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

/** Size in bytes and modification time in ms; -1 if they are not available, because reading reports the reason later. */
function sizeAndTime(path: string): [number, number] {
  try {
    const { size, mtimeMs } = statSync(path);
    return [size, mtimeMs];
  } catch {
    return [-1, -1];
  }
}

/**
 * A folder of photos, searched at every depth, in the order of the code units of the relative paths. Its identity is
 * the path, and each photo's relative name, size in bytes and modification time.
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
      // For small files a synchronous read is ten times as fast as a read in libuv's threads. It also leaves these
      // threads to the decoders, which continue in the meantime.
      return readFileSync(join(root, name));
    },
    release: () => release(),
  };
}
