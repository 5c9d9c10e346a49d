/** A run's folder: whose it is, and what of it is a run's to write and to remove. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/errors.js";
import { listCheckpoints } from "./checkpoint.js";

/** The files that a run leaves beside its checkpoints, probe and demo included. */
const ownFiles = [
  ...["config.yaml", "metrics.jsonl", "skipped.jsonl", "summary.json", "probe.json"],
  ...["weights.safetensors", "views.png"],
];

/** Where a run keeps its checkpoints; a folder that has it is a run's. */
export function checkpointsOf(out: string): string {
  return join(out, "checkpoints");
}

/**
 * Throws {@link UsageError} `folder-taken` where the folder holds something and is no run's: a run writes files of
 * common names, and must not write over a stranger's.
 */
export function refuseForeign(out: string): void {
  if (!existsSync(out) || existsSync(checkpointsOf(out))) return;
  const held = readdirSync(out);
  if (held.length === 0) return;
  throw new UsageError(
    "folder-taken",
    `Expected a new folder or an earlier run's for --out, but ${out} holds ${held.slice(0, 3).join(", ")}. Choose another.`,
  );
}

/** Removes an earlier run's own files from its folder, and nothing else. Throws where the folder is no run's. */
export function clearRun(out: string): void {
  refuseForeign(out);
  for (const path of listCheckpoints(checkpointsOf(out))) rmSync(path);
  for (const name of ownFiles) rmSync(join(out, name), { force: true });
}
