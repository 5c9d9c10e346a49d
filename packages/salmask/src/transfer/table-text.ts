/** A transfer table as Markdown for people, and its numbers as CSV for programs. */
import type { Estimate } from "../base/statistics.js";
import type { Column } from "./columns.js";
import type { EncoderRow } from "./encoders.js";
import type { CellResult, TableCell, TableColumn, TableRow, TransferTable } from "./table.js";

/** Sets of one kind have a table of their own, as in papers. */
const kinds = { classes: "Photos with classes", objects: "Photos with objects" } as const;

export function toMarkdown(table: TransferTable): string {
  const blocks = (["classes", "objects"] as const).flatMap((kind) => blockOf(table, kind));
  const progress = table.done < table.total ? [`${table.done} of ${table.total} cells are done.`, ""] : [];
  return [`# ${table.name}`, "", ...progress, ...blocks, ...notesOf(table), ""].join("\n");
}

/** The tables of one kind of sets: scores, and differences to the untrained network and to the first run. */
function blockOf(table: TransferTable, kind: TableColumn["kind"]): string[] {
  const shown = table.columns.flatMap((column, at) => (column.kind === kind ? [{ ...column, at }] : []));
  if (shown.length === 0) return [];
  const hasReference = (at: number) => table.rows.some(({ cells }) => cells[at].reference !== null);
  const scores = linesOf(
    shown.flatMap(({ set, title, at }) => [
      `${set} ${title} %`,
      ...(hasReference(at) ? [`${table.reference} %`] : []),
    ]),
    table.rows.filter(({ cells }) =>
      shown.some(({ at }) => cells[at].reference !== null || cells[at].value !== null),
    ),
    (row) =>
      shown.flatMap(({ at }) => [
        interval(row.cells[at].value),
        ...(hasReference(at) ? [row.cells[at].reference?.toFixed(2) ?? ""] : []),
      ]),
  );
  const differences = (of: "toUntrained" | "toFirst") => {
    const rows = table.rows.filter(({ cells }) => shown.some(({ at }) => cells[at][of] !== null));
    if (rows.length === 0) return [];
    const heads = shown.map(({ set, title }) => `${set} ${title}`);
    return linesOf(heads, rows, ({ cells }) => shown.map(({ at }) => interval(cells[at][of], true)));
  };
  const first = table.rows.find((row) => row.kind === "run")?.name ?? "";
  const both = Object.keys(kinds).every((name) => table.columns.some((column) => column.kind === name));
  return [
    ...(both ? [`## ${kinds[kind]}`, ""] : []),
    ...scores,
    ...titled("Difference to random initialisation, in points:", differences("toUntrained")),
    ...titled(`Difference to ${first}, in points:`, differences("toFirst")),
  ];
}

const titled = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, "", ...lines]);

function linesOf(
  heads: readonly string[],
  rows: readonly TableRow[],
  cellsOf: (row: TableRow) => readonly string[],
): string[] {
  const line = (values: readonly string[]) => `| ${values.map(escaped).join(" | ")} |`;
  return [
    line(["row", ...heads]),
    line(["---", ...heads.map(() => "---:")]),
    ...rows.map((row) => line([row.name, ...cellsOf(row)])),
    "",
  ];
}

const escaped = (text: string) => text.replaceAll("|", "\\|");

function interval(value: TableCell["value"], isSigned = false): string {
  if (value === null) return "";
  const mean = `${isSigned && value.mean >= 0 ? "+" : ""}${value.mean.toFixed(2)}`;
  return value.halfWidth === null ? mean : `${mean} ± ${value.halfWidth.toFixed(2)}`;
}

function notesOf({ seeds, rows, columns, failures }: TransferTable): string[] {
  const isFew = (estimate: Estimate | null) => estimate !== null && estimate.count < seeds.length;
  const few = rows.flatMap(({ name, cells }) =>
    cells.flatMap(({ value }, at) =>
      isFew(value)
        ? [`${name}, ${columns[at].set} ${columns[at].title}: ${value?.count} of ${seeds.length}`]
        : [],
    ),
  );
  const oneRun = rows.filter(({ kind, isOneRun }) => kind === "run" && isOneRun).map(({ name }) => name);
  return [
    seeds.length === 1
      ? `Seed ${seeds[0]} alone: there are no intervals.`
      : `Mean ± half the 95 % interval of the mean (Student's t) over the seeds ${seeds.join(", ")}. Differences are paired by seed.`,
    ...(oneRun.length === 0 || seeds.length === 1
      ? []
      : [
          "",
          `One run each, measured with every seed: ${oneRun.join(", ")}. Their intervals show how much the measuring varies, not how much ` +
            "pre-training does. Random initialisation draws new weights with every seed.",
        ]),
    ...(few.length === 0 ? [] : ["", `Fewer seeds: ${few.join("; ")}.`]),
    ...(failures.length === 0 ? [] : ["", ...failures.map(({ cell, why }) => `- Missing: ${cell}: ${why}`)]),
  ];
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** One line per number: `row,set,column,seed,score,seconds,failure`; scores are 0 to 1, seconds those of the whole cell. */
export function toCsv(
  columns: readonly Column[],
  rows: readonly EncoderRow[],
  results: readonly CellResult[],
): string {
  const names = new Map(rows.map(({ slug, name }) => [slug, name]));
  const lines = results.flatMap((result) =>
    columns
      .filter(({ place }) => place === result.place)
      .map(({ set, title, score }) => [
        ...[quoted(names.get(result.row) ?? result.row), quoted(set), quoted(title), result.seed],
        ...(result.kind === "done"
          ? [result.scores[score] ?? "", result.seconds.toFixed(1), ""]
          : ["", "", quoted(result.why)]),
      ]),
  );
  return [["row", "set", "column", "seed", "score", "seconds", "failure"], ...lines]
    .map((line) => `${line.join(",")}\n`)
    .join("");
}
