/** Experiments among runs: a folder with runs in `ROW/seed-N`, and their table as it fills. */
import { estimate } from "../base/statistics.js";
import type { Experiment, ExperimentRow, Mean, RunLine } from "../page/protocol.js";
import type { RunRecords } from "./scores.js";

export interface KnownRun {
  readonly line: RunLine;
  readonly records: RunRecords;
}

/** Experiments by their folders' names below the watched one, each with its rows in the order of the runs. */
export function experimentsAmong(runs: readonly KnownRun[]): Pick<Experiment, "id" | "rows">[] {
  const found = new Map<string, Map<string, KnownRun[]>>();
  for (const run of runs) {
    const place = placeOf(run.line.id);
    if (place === null) continue;
    const rows = found.get(place.experiment) ?? new Map<string, KnownRun[]>();
    rows.set(place.row, [...(rows.get(place.row) ?? []), run]);
    found.set(place.experiment, rows);
  }
  return Array.from(found, ([id, rows]) => ({
    id,
    rows: Array.from(rows, ([name, own]) => rowOf(name, own)),
  }));
}

/** `a/b/row/seed-1` is seed 1 of `row` in the experiment `a/b`. Folders of older settings do not count. */
function placeOf(id: string): { experiment: string; row: string } | null {
  const [experiment, row] = /^(?:(.*)\/)?([^/]+)\/seed-\d+$/.exec(id)?.slice(1) ?? [];
  return row === undefined ? null : { experiment: experiment ?? ".", row };
}

function rowOf(name: string, runs: readonly KnownRun[]): ExperimentRow {
  const count = (state: RunLine["state"]) => runs.filter(({ line }) => line.state === state).length;
  const newest = runs.flatMap(({ records }) => records.probes.at(-1) ?? []);
  return {
    name,
    runs: runs.length,
    ended: count("ended"),
    running: count("running"),
    knn: meanOf(newest.map(({ knn }) => knn.top1)),
    linear: meanOf(newest.map(({ linear }) => linear.top1)),
  };
}

function meanOf(shares: readonly number[]): Mean | null {
  if (shares.length === 0) return null;
  const { mean, halfWidth, count } = estimate(shares.map((share) => 100 * share));
  return { mean, halfWidth, count };
}
