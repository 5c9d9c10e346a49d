/** Finds runs in a folder, by names alone, without following links. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface FoundRun {
  /** The path below the folder that was searched, with `/`; `.` for that folder itself. */
  readonly id: string;
  /** Absolute. */
  readonly path: string;
}

/** An experiment in a folder of experiments, its row, its seed, and what is measured in that. */
const deepest = 8;
/** Folders that are looked into; photos may lie among the runs. */
const mostFolders = 20_000;

/** The runs in `root`, an absolute path without links, and below it, in the order of their names. */
export async function findRuns(root: string): Promise<FoundRun[]> {
  const runs: FoundRun[] = [];
  let left = mostFolders;
  const look = async (parts: readonly string[]): Promise<void> => {
    if (left-- <= 0) return;
    const path = join(root, ...parts);
    const entries = await readdir(path, { withFileTypes: true }).catch((): Dirent[] => []);
    if (isRun(entries)) runs.push({ id: parts.length === 0 ? "." : parts.join("/"), path });
    if (parts.length === deepest) return;
    const inner = entries.filter((entry) => entry.isDirectory() && !isSkipped(entry.name));
    for (const { name } of inner.sort(byName)) await look([...parts, name]);
  };
  await look([]);
  return runs;
}

function isRun(entries: readonly Dirent[]): boolean {
  const has = (wanted: string) => entries.some(({ name }) => name === wanted);
  return has("metrics.jsonl") || (has("config.yaml") && has("checkpoints"));
}

const isSkipped = (name: string) => name.startsWith(".") || ["checkpoints", "node_modules"].includes(name);

const byName = (a: Dirent, b: Dirent) => a.name.localeCompare(b.name, "en", { numeric: true });
