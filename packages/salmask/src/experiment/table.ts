/** The results of an experiment as a table: Markdown for people, CSV for programs. */

import { type Estimate, estimate, pairedDifference } from "../base/statistics.js";
import type { RunResult } from "./execute.js";
import type { Plan } from "./plan.js";

export interface TableRow {
  name: string;
  /** In percent; null if the paper has no such row. */
  paper: number | null;
  /** In percent; null if every run failed. */
  knn: Estimate | null;
  linear: Estimate | null;
  /**
   * Difference to the first row in the plan's measure, in percentage points, at the seeds of both; null for the first
   * row.
   */
  difference: Estimate | null;
  /** Mean seconds of pre-training; null if every run failed. */
  seconds: number | null;
  /** The missing results, with the reasons. */
  failures: { seed: number; why: string }[];
}

/** One entry per row of the plan, in its order. */
export function tabulate(plan: Plan, results: readonly RunResult[]): TableRow[] {
  const done = (row: string) =>
    results.filter(
      (result): result is RunResult & { kind: "done" } => result.kind === "done" && result.row === row,
    );
  const bySeed = (row: string) =>
    new Map(done(row).map((result) => [result.seed, 100 * result[plan.measure]]));
  const first = bySeed(plan.rows[0].name);
  return plan.rows.map(({ name, paper }, i) => {
    const runs = done(name);
    const over = (measure: "knn" | "linear") =>
      runs.length === 0 ? null : estimate(runs.map((run) => 100 * run[measure]));
    return {
      name,
      paper,
      knn: over("knn"),
      linear: over("linear"),
      difference: i === 0 ? null : pairedDifference(bySeed(name), first),
      seconds: runs.length === 0 ? null : estimate(runs.map(({ seconds }) => seconds)).mean,
      failures: results.flatMap((result) =>
        result.kind === "failed" && result.row === name ? [{ seed: result.seed, why: result.why }] : [],
      ),
    };
  });
}

const interval = (value: Estimate | null, signed = false): string => {
  if (value === null) return "";
  const sign = signed && value.mean >= 0 ? "+" : "";
  const mean = `${sign}${value.mean.toFixed(2)}`;
  return value.halfWidth === null ? mean : `${mean} ± ${value.halfWidth.toFixed(2)}`;
};
const cells = (values: readonly string[]) => `| ${values.join(" | ")} |`;

/** The table as Markdown, followed by the missing results. */
export function toMarkdown(plan: Plan, rows: readonly TableRow[]): string {
  const hasPaper = rows.some(({ paper }) => paper !== null);
  const paperCell = (text: string) => (hasPaper ? [text] : []);
  const head = [
    "row",
    "seeds",
    "kNN %",
    "linear %",
    "sd",
    `${plan.measure} to first`,
    ...paperCell("paper %"),
    "seconds",
  ];
  const lines = rows.map((row) =>
    cells([
      ...[row.name, String(row.linear?.count ?? 0), interval(row.knn), interval(row.linear)],
      row[plan.measure]?.deviation?.toFixed(2) ?? "",
      interval(row.difference, true),
      ...paperCell(row.paper?.toFixed(2) ?? ""),
      row.seconds?.toFixed(0) ?? "",
    ]),
  );
  const missing = rows.flatMap(({ name, failures }) =>
    failures.map(({ seed, why }) => `- Missing: ${name}, seed ${seed}: ${why}`),
  );
  return [
    `# ${plan.name}`,
    "",
    cells(head),
    cells(head.map(() => "---")),
    ...lines,
    "",
    `Mean ± half the 95 % interval of the mean (Student's t) over seeds; sd of the ${plan.measure} score. Differences are ` +
      "paired by seed. Last epoch.",
    ...(missing.length === 0 ? [] : ["", ...missing]),
    "",
  ].join("\n");
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** One line per run, for other analyses: `row,seed,knn,linear,seconds,failure`. */
export function toCsv(results: readonly RunResult[]): string {
  const lines = results.map((result) =>
    result.kind === "done"
      ? [quoted(result.row), result.seed, result.knn, result.linear, result.seconds.toFixed(1), ""]
      : [quoted(result.row), result.seed, "", "", "", quoted(result.why)],
  );
  return [["row", "seed", "knn", "linear", "seconds", "failure"], ...lines]
    .map((line) => `${line.join(",")}\n`)
    .join("");
}
