/** The results of a transfer plan, row by row and column by column, with means, intervals and paired differences. */

import { slugOf } from "../base/slug.js";
import { type Estimate, estimate, pairedDifference } from "../base/statistics.js";
import type { Column, Scores } from "./columns.js";
import type { EncoderRow } from "./encoders.js";
import type { TransferPlan } from "./plan.js";

/** What came of a cell: `place` is the set's and the measure's folder. */
export type CellResult = { readonly row: string; readonly place: string; readonly seed: number } & (
  | { readonly kind: "done"; readonly scores: Scores; readonly seconds: number }
  | { readonly kind: "failed"; readonly why: string }
);

/** One row in one column, in percent. */
export interface TableCell {
  /** null where there is no result. */
  readonly value: Estimate | null;
  /** To the same network untrained, at the seeds of both; null for that network itself, and where there is none. */
  readonly toUntrained: Estimate | null;
  /** To the first run; null for itself and for untrained networks. */
  readonly toFirst: Estimate | null;
  /** The number from elsewhere. */
  readonly reference: number | null;
}

/** An encoder in the table. */
export interface TableRow {
  readonly name: string;
  /** `reference`: only numbers from elsewhere. */
  readonly kind: "run" | "untrained" | "reference";
  readonly isOneRun: boolean;
  /** In the order of the columns. */
  readonly cells: readonly TableCell[];
}

/** A measure on a set in the table. */
export type TableColumn = Pick<Column, "set" | "title" | "kind">;

/** The scores of a transfer plan. */
export interface TransferTable {
  readonly name: string;
  /** What numbers from elsewhere are called. */
  readonly reference: string;
  readonly seeds: readonly number[];
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** Cells that have their result, and all of them. */
  readonly done: number;
  readonly total: number;
  readonly failures: readonly { readonly cell: string; readonly why: string }[];
}

export interface Tabulated {
  readonly plan: Pick<TransferPlan, "name" | "reference" | "seeds">;
  readonly columns: readonly Column[];
  readonly rows: readonly EncoderRow[];
  readonly results: readonly CellResult[];
  /** How many cells there are in all. */
  readonly cells: number;
}

export function tabulate({ plan, columns, rows, results, cells }: Tabulated): TransferTable {
  const first = rows.find(({ start }) => start === "encoder");
  const measured = rows.map((row): TableRow => {
    const { name, slug, start, untrained, isOneRun } = row;
    const ofRow = columns.map((column): TableCell => {
      const values = bySeed(results, slug, column);
      const difference = (to: string) => pairedDifference(values, bySeed(results, to, column));
      return {
        value: values.size === 0 ? null : estimate([...values.values()]),
        toUntrained: untrained === null ? null : difference(untrained),
        toFirst: start === "random" || first === undefined || first === row ? null : difference(first.slug),
        reference: referenceOf(column, slug),
      };
    });
    return { name, kind: start === "random" ? "untrained" : "run", isOneRun, cells: ofRow };
  });
  return {
    name: plan.name,
    reference: plan.reference,
    seeds: plan.seeds,
    columns: columns.map(({ set, title, kind }) => ({ set, title, kind })),
    rows: [...measured, ...referenceRows(columns, rows)],
    done: results.length,
    total: cells,
    failures: results.flatMap((result) =>
      result.kind === "failed"
        ? [{ cell: `${result.place}/${result.row}/seed-${result.seed}`, why: result.why }]
        : [],
    ),
  };
}

/** A row's scores in a column, in percent, by seed. */
function bySeed(
  results: readonly CellResult[],
  row: string,
  { place, score }: Column,
): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const result of results) {
    if (result.kind !== "done" || result.row !== row || result.place !== place) continue;
    const value = result.scores[score] ?? null;
    if (value !== null) found.set(result.seed, 100 * value);
  }
  return found;
}

function referenceOf({ reference }: Column, slug: string): number | null {
  return Object.entries(reference).find(([name]) => slugOf(name) === slug)?.[1] ?? null;
}

/** Rows from elsewhere that no encoder has the name of. */
function referenceRows(columns: readonly Column[], rows: readonly EncoderRow[]): TableRow[] {
  const named = new Map(
    columns.flatMap(({ reference }) => Object.keys(reference).map((name) => [slugOf(name), name] as const)),
  );
  return [...named]
    .filter(([slug]) => !rows.some((row) => row.slug === slug))
    .map(([slug, name]) => ({
      name,
      kind: "reference",
      isOneRun: false,
      cells: columns.map((column) => ({
        value: null,
        toUntrained: null,
        toFirst: null,
        reference: referenceOf(column, slug),
      })),
    }));
}
