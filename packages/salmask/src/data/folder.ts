import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { DataError } from "../errors.js";
import { mapOrdered } from "./concurrent.js";
import { byCodeUnits, countUp, extensionOf, isImageName } from "./names.js";
import type { ImageSource, SkippedImage } from "./source.js";

const STATS_AT_ONCE = 32;

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
  const facts: string[] = [];
  const stats = mapOrdered(names, STATS_AT_ONCE, async (name) => {
    const status = await stat(join(root, name)).catch(() => undefined);
    return JSON.stringify([name, status?.size ?? -1, status?.mtimeMs ?? -1]);
  });
  for await (const fact of stats) facts.push(fact);
  return {
    path,
    identity: ["folder", path, ...facts].join("\n"),
    expected: names.length,
    async *images() {
      for (const name of names) yield { name, read: () => readFile(join(root, name)) };
    },
    summary: () => ({ commonFolder: "", skipped: state.skipped, others: state.others }),
  };
}
