import { readFileSync, statSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { DataError } from "../../base/errors.js";
import { byCodeUnits, countUp, extensionOf, isImageName } from "./names.js";
import type { ImageSource, SkippedImage } from "./source.js";

interface Walk {
  readonly root: string;
  readonly names: string[];
  readonly skipped: SkippedImage[];
  readonly others: Map<string, number>;
}

/** Gathers the files below `root/folder`. Links to files within the root count as files, other links do not. */
async function walk(state: Walk, folder: string): Promise<void> {
  for (const entry of await readdir(join(state.root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      await walk(state, name).catch((error: NodeJS.ErrnoException) => {
        state.skipped.push({ name: `${name}/`, reason: error.message });
      });
    } else if (!isImageName(name)) {
      countUp(state.others, extensionOf(name));
    } else if (entry.isFile()) {
      state.names.push(name);
    } else if (entry.isSymbolicLink()) {
      const target = await realpath(join(state.root, name)).catch(() => undefined);
      if (target === undefined) state.skipped.push({ name, reason: "a link to nothing" });
      else if (target.startsWith(state.root + sep)) state.names.push(name);
      else state.skipped.push({ name, reason: "a link that leads out of the folder" });
    }
  }
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
      `expected a folder of photos that can be listed, but: ${error.message}`,
      error,
    );
  });
  const names = state.names.sort(byCodeUnits);
  // Small files are sized and read ten times as fast at once as through libuv's threads, and the decoders, who have
  // those threads to themselves then, work on meanwhile.
  const facts = names.map((name) => JSON.stringify([name, ...sizeAndTime(join(root, name))]));
  return {
    path,
    identity: ["folder", path, ...facts].join("\n"),
    expected: names.length,
    async *images() {
      for (const name of names) yield { name, read: async () => readFileSync(join(root, name)) };
    },
    summary: () => ({ commonFolder: "", skipped: state.skipped, others: state.others }),
  };
}
