/** A transfer table as Markdown for people, and its numbers as CSV for programs. */
import type { Column } from "./columns.js";
import type { EncoderRow } from "./encoders.js";
import type { CellResult, TableCell, TableRow, TransferTable } from "./table.js";

/** Sets of one kind share a table, as in papers, where it does not get wider than this many numbers. */
const widest = 8;

const kinds = { classes: "Photos with classes", objects: "Photos with objects" } as const;

/** Columns that stand in one table. */
interface Group {
  readonly title: string;
  readonly columns: readonly { readonly head: string; readonly at: number }[];
}

export function toMarkdown(table: TransferTable): string {
  const progress = table.done < table.total ? [`${table.done} of ${table.total} cells are done.`, ""] : [];
  const blocks = groupsOf(table).flatMap((group) => blockOf(table, group));
  return [`# ${table.name}`, "", ...progress, ...blocks, ...notesOf(table), ""].join("\n");
}

function groupsOf({ columns, rows }: TransferTable): Group[] {
  const all = columns.map((column, at) => ({ ...column, at }));
  return (["classes", "objects"] as const).flatMap((kind): Group[] => {
    const ofKind = all.filter((column) => column.kind === kind);
    const numbers = ofKind.length + ofKind.filter(({ at }) => hasReference(rows, at)).length;
    const sets = [...new Set(ofKind.map(({ set }) => set))];
    if (sets.length > 1 && numbers <= widest) {
      const named = ofKind.map(({ set, title, at }) => ({ head: `${set} ${title}`, at }));
      return [{ title: kinds[kind], columns: named }];
    }
    return sets.map((name) => ({
      title: name,
      columns: ofKind.filter(({ set }) => set === name).map(({ title, at }) => ({ head: title, at })),
    }));
  });
}

const hasReference = (rows: readonly TableRow[], at: number) =>
  rows.some(({ cells }) => cells[at].reference !== null);

/** The tables of a group: scores, and differences to the untrained network and to the first run. */
function blockOf({ rows, reference }: TransferTable, { title, columns }: Group): string[] {
  const known = rows.filter(({ cells }) =>
    columns.some(({ at }) => cells[at].value !== null || cells[at].reference !== null),
  );
  if (known.length === 0) return [];
  const scores = linesOf(
    columns.flatMap(({ head, at }) => [head, ...(hasReference(rows, at) ? [reference] : [])]),
    known,
    ({ cells }) =>
      columns.flatMap(({ at }) => [
        interval(cells[at].value),
        ...(hasReference(rows, at) ? [cells[at].reference?.toFixed(2) ?? ""] : []),
      ]),
  );
  const differences = (of: "toUntrained" | "toFirst") =>
    linesOf(
      columns.map(({ head }) => head),
      rows.filter(({ cells }) => columns.some(({ at }) => cells[at][of] !== null)),
      ({ cells }) => columns.map(({ at }) => interval(cells[at][of], true)),
    );
  const first = rows.find((row) => row.kind === "run")?.name ?? "";
  return [
    ...[`## ${title}`, ""],
    ...scores,
    ...titled("Difference to random initialisation:", differences("toUntrained")),
    ...titled(`Difference to ${first}:`, differences("toFirst")),
  ];
}

const titled = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : [title, "", ...lines]);

function linesOf(
  heads: readonly string[],
  rows: readonly TableRow[],
  cellsOf: (row: TableRow) => readonly string[],
): string[] {
  if (rows.length === 0) return [];
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
  const few = rows.flatMap(({ name, cells }) => {
    const counts = cells.flatMap(({ value }, at) =>
      value === null ? [] : [{ count: value.count, column: `${columns[at].set} ${columns[at].title}` }],
    );
    const said = (what: string, count: number) => `${what}: ${count} of ${seeds.length}`;
    const isFew = counts.filter(({ count }) => count < seeds.length);
    const isAlike = isFew.length === counts.length && new Set(counts.map(({ count }) => count)).size === 1;
    if (isAlike) return [said(name, counts[0].count)];
    return isFew.map(({ count, column }) => said(`${name}, ${column}`, count));
  });
  const oneRun = rows.filter(({ kind, isOneRun }) => kind === "run" && isOneRun).map(({ name }) => name);
  return [
    seeds.length === 1
      ? `In percent. Seed ${seeds[0]} alone: there are no intervals.`
      : `In percent. Mean ± half the 95 % interval of the mean (Student's t) over the seeds ${seeds.join(", ")}. Differences are paired by seed.`,
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
