/** The page of an analysis as Markdown: for each measure what it shows, its tables, its plots and pictures. */
import type { Analysis, Outcome } from "../analysis/analyse.js";
import type { MeasureTable, TableColumn } from "../analysis/measured.js";

/** A plot or a sheet beside the page. */
export interface ShownFile {
  readonly title: string;
  readonly file: string;
}

/** The whole page. `files` has the files of each measure, by its name; without them the page has tables alone. */
export function analysisPage(analysis: Analysis, files: ReadonlyMap<string, readonly ShownFile[]>): string {
  const { outcomes, waiting } = analysis;
  return [
    "# Analysis",
    "",
    ...headOf(analysis),
    ...outcomes.flatMap((outcome) => sectionOf(outcome, files.get(outcome.name) ?? [])),
    ...(waiting.length === 0 ? [] : [`Not made yet: ${waiting.join(", ")}.`, ""]),
  ].join("\n");
}

function headOf({ photos, encoders, seed }: Analysis): string[] {
  const { path, learned, scored, classes, hasMasks } = photos;
  const from = learned === 0 ? "" : `, after learning from ${learned} others`;
  const known = classes.length === 0 ? "without classes" : `of ${classes.length} classes`;
  // Half the 95 % interval of a share of one half, the widest.
  const error = (100 * 1.96 * Math.sqrt(0.25 / scored)).toFixed(1);
  return [
    `Measured on ${scored} photos ${known} in ${path}${from}; ${hasMasks ? "with" : "without"} true masks; seed ${seed}.`,
    `A share of ${scored} photos is known to ± ${error} points at most (95 %, binomial); how much pre-training varies from seed to seed is not in that.`,
    "",
    ...tableLines(
      ["encoder", "run", "network", "pictures", "fill"],
      encoders.map(({ name, run, arch, crop, fill }) => [name, run ?? "", arch, `${crop} px`, fill]),
    ),
  ];
}

function sectionOf(outcome: Outcome, files: readonly ShownFile[]): string[] {
  const { name, shows, source } = outcome;
  const head = [`## ${name}`, "", `${shows} (${source}.)`, ""];
  if (outcome.kind === "skipped") return [...head, `Left out: ${outcome.why}.`, ""];
  return [
    ...head,
    ...outcome.tables.flatMap(numbersLines),
    ...outcome.notes.flatMap((note) => [note, ""]),
    ...files.flatMap(({ title, file }) => [`![${title}](${file})`, ""]),
  ];
}

function numbersLines({ title, columns, rows }: MeasureTable): string[] {
  const heads = columns.map((column) => (column.kind === "share" ? `${column.title} (%)` : column.title));
  const body = rows.map(({ name, values }) => [
    name,
    ...values.map((value, i) => numberText(value, columns[i])),
  ]);
  return [...(title === null ? [] : [`${title}:`, ""]), ...tableLines(["encoder", ...heads], body)];
}

function numberText(value: number | null, { kind }: TableColumn): string {
  if (value === null) return "";
  if (kind === "share") return (100 * value).toFixed(1);
  return value.toFixed(kind === "count" ? 0 : 3);
}

function tableLines(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line), ""];
}
