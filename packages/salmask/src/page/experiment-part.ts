/** Experiments: their table as it fills, and what they wrote at their end. */
import { type Child, make, scrolled, scrolledTable, section } from "./dom.js";
import type { Experiment, ExperimentRow, Mean } from "./protocol.js";

export function experimentParts(experiments: readonly Experiment[]): HTMLElement[] {
  if (experiments.length === 0) return [];
  const parts = experiments.map(({ id, rows, table, plot }) =>
    make(
      "details",
      { open: experiments.length === 1 },
      make("summary", {}, `${id}: ${endedOf(rows)}`),
      scrolledTable(
        `${id} as it stands: newest probe of each run, mean over seeds ± half the 95 % interval`,
        ["row", "seeds ended", "running", "kNN %", "linear %"],
        rows.map(({ name, runs, ended, running, knn, linear }): Child[] => [
          name,
          `${ended} of ${runs}`,
          String(running),
          meanText(knn),
          meanText(linear),
        ]),
      ),
      ...(plot === null
        ? []
        : [
            make("img", {
              src: plot,
              alt: `The plot of ${id}; its numbers are in the table`,
              class: "sheet",
            }),
          ]),
      ...(table === null ? [] : [scrolled(`table.md of ${id}`, make("pre", {}, table))]),
    ),
  );
  return [section("Experiments", "experiments", ...parts)];
}

function endedOf(rows: readonly ExperimentRow[]): string {
  const sum = (of: (row: ExperimentRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  return `${sum(({ ended }) => ended)} of ${sum(({ runs }) => runs)} runs have ended`;
}

function meanText(value: Mean | null): string {
  if (value === null) return "";
  const mean = value.mean.toFixed(2);
  return value.halfWidth === null ? mean : `${mean} ± ${value.halfWidth.toFixed(2)} (${value.count})`;
}
