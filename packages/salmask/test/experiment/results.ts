/** Plans and results of experiments that were not run. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunResult } from "../../src/experiment/execute.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { temporaryFolder } from "../support/photos.js";

/** Reads the plan of a text, with the embedded set as its photos. */
export async function planOf(text: string): Promise<Plan> {
  const path = join(await temporaryFolder(), "experiment.yaml");
  await writeFile(path, `photos: { embedded: {} }\n${text}`);
  return readPlan(path);
}

/** The results of a row with these linear scores in percent, seed by seed. */
export function scored(
  row: string,
  scores: readonly number[],
  logs: readonly Record<string, number>[] = [],
): RunResult[] {
  return scores.map((score, seed) => ({
    kind: "done",
    row,
    seed,
    knn: 0.5,
    linear: score / 100,
    seconds: 10,
    logs: logs[seed] ?? {},
  }));
}
