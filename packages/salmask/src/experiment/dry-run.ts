/** What an experiment will do, and how long it will take. */
import { setNumThreads } from "@salmask/torch";
import { type Report, silent } from "../base/events.js";
import { computeOf } from "../compute/compute.js";
import { batches, epochOrder } from "../data/samples/order.js";
import { surveyPhotos } from "../data/sources/survey.js";
import { speedOf, tryRun } from "../tasks/pretrain/measure-speed.js";
import { finishedRun, threadsOf } from "./execute.js";
import type { KeptResults } from "./kept-results.js";
import { photosHere } from "./photos.js";
import type { Plan } from "./plan.js";

/** The runs of a row. */
export interface PlannedRow {
  readonly row: string;
  readonly runs: number;
  /** Runs that an earlier call has finished. */
  readonly done: number;
  /** Steps of a run; null where the row gets the time of another row. */
  readonly steps: number | null;
  readonly parameters: number;
  /** Expected seconds of a run's training. */
  readonly seconds: number;
}

export interface ExperimentPlan {
  readonly name: string;
  readonly out: string;
  /** Photos that are learned from. */
  readonly photos: number;
  readonly jobs: number;
  readonly rows: readonly PlannedRow[];
  /** Expected seconds of the training that is left. */
  readonly seconds: number;
}

export interface DryRunOptions {
  readonly out: string;
  readonly jobs: number;
  /** Runs whose results are here are done. */
  readonly kept?: KeptResults;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Counts photos and tries some steps of each row. Writes nothing. Throws InterruptedError, and what a run's settings are refused with. */
export async function planExperiment(
  plan: Plan,
  { out, jobs, kept, signal, report = silent }: DryRunOptions,
): Promise<ExperimentPlan> {
  const { photos: from } = plan;
  const photos =
    from.kind === "embedded"
      ? from.options.train
      : (await surveyPhotos(from.photos, signal, plan.rows[0].config.data.cache)).count;
  setNumThreads(threadsOf(jobs));
  const here = await photosHere(plan, out);
  const rows: PlannedRow[] = [];
  for (const [i, row] of plan.rows.entries()) {
    const { name, config, sameSecondsAs } = row;
    report({ kind: "progress", what: "trying steps of each row", done: i, total: plan.rows.length });
    const trial = await tryRun(config, computeOf(config), signal);
    const { step, photo } = speedOf(trial, config);
    const { batchSize, epochs } = config.train;
    const steps = epochs * batches(epochOrder(0, 0, photos), batchSize).length;
    const isDone = (seed: number) => finishedRun(plan, { row, seed, out, here, kept }) !== null;
    const done = plan.seeds.filter(isDone).length;
    rows.push({
      row: name,
      runs: plan.seeds.length,
      done,
      steps: sameSecondsAs === null ? steps : null,
      parameters: trial.parameters,
      seconds: steps * step + photos * photo,
    });
  }
  const timed = rows.map((row, i) => {
    const other = rows.find((candidate) => candidate.row === plan.rows[i].sameSecondsAs);
    return other === undefined ? row : { ...row, seconds: other.seconds };
  });
  const seconds = timed.reduce((sum, row) => sum + (row.runs - row.done) * row.seconds, 0) / jobs;
  return { name: plan.name, out, photos, jobs, rows: timed, seconds };
}
