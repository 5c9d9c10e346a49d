/** Plans and results of experiments that were not run. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pretrainSettings } from "../../src/config/schema.js";
import type { RunResult } from "../../src/experiment/execute.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { temporaryFolder } from "../support/photos.js";

/** Leaves what finished runs of a row leave, with these linear scores in percent, seed by seed. */
export async function finish(
  plan: Plan,
  out: string,
  name: string,
  scores: readonly number[],
): Promise<void> {
  const row = plan.rows.find((one) => one.name === name);
  if (row === undefined || plan.photos.kind !== "folder")
    throw new Error("expected a row, and photos in a folder");
  for (const [seed, score] of scores.entries()) {
    const run = new RunFolder(join(out, row.slug, `seed-${seed}`));
    run.lock().release();
    await run.writeSettings(pretrainSettings, { ...row.config, seed });
    await run.writeSummary({
      ...{
        kind: "pretrain",
        run: run.path,
        photos: plan.photos.photos,
        images: 2,
        skipped: 0,
        epochs: 1,
        steps: 1,
      },
      ...{
        stepsHere: 1,
        seconds: 10,
        loss: 1,
        contrastAccuracy: null,
        weights: run.weights,
        checkpoint: null,
      },
      classes: null,
    });
    const [knn, linear] = [0.5, score / 100].map((top1) => ({ top1, randomTop1: 0.1 }));
    await run.addProbe({
      ...{ photos: [plan.photos.probe], protocol: plan.protocol, seed, trainPhotos: 2, testPhotos: 2 },
      ...{
        classes: [],
        knn,
        linear,
        labels: "all",
        heldOut: 0.2,
        linearScores: null,
        lastEpochs: plan.lastEpochs,
      },
    });
  }
}

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
