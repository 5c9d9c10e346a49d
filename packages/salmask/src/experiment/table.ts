/** The results of an experiment as a table: Markdown for people, CSV for programs. */

import {
  type Correlation,
  correlation,
  type Estimate,
  estimate,
  isToldApart,
  mostPairs,
  pairedDifference,
  pairsToTell,
} from "../base/statistics.js";
import type { RunResult } from "./execute.js";
import type { LoggedNumber } from "./logged.js";
import type { Plan } from "./plan.js";

export interface TableRow {
  name: string;
  /** In percent; null if the paper has no such row. */
  paper: number | null;
  /** In percent; null if every run failed. */
  knn: Estimate | null;
  linear: Estimate | null;
  /** The name of the row that it is compared with; null for the first row. */
  comparedWith: string | null;
  /** Difference to that row in the plan's measure, in percentage points, at the seeds of both; null if there is none. */
  difference: Estimate | null;
  /**
   * The number of seeds that would tell the two rows apart with a probability of 80 %, from the spread of the paired
   * differences; Infinity if it is more than `mostPairs`. null where they are told apart, or the spread is not known.
   */
  seedsToTell: number | null;
  /** The plan's numbers of the runs' logs, by their texts; null if no run logged it. */
  logs: Record<string, Estimate | null>;
  /** Mean seconds of pre-training; null if every run failed. */
  seconds: number | null;
  /** The missing results, with the reasons. */
  failures: { seed: number; why: string }[];
}

type Done = RunResult & { kind: "done" };

const doneOf = (results: readonly RunResult[]) =>
  results.filter((result): result is Done => result.kind === "done");

/** One entry per row of the plan, in its order. */
export function tabulate(plan: Plan, results: readonly RunResult[]): TableRow[] {
  const done = (row: string) => doneOf(results).filter((result) => result.row === row);
  const bySeed = (row: string) =>
    new Map(done(row).map((result) => [result.seed, 100 * result[plan.measure]]));
  const over = (values: readonly number[]) => (values.length === 0 ? null : estimate(values));
  return plan.rows.map(({ name, paper, comparedWith }) => {
    const runs = done(name);
    const difference = comparedWith === null ? null : pairedDifference(bySeed(name), bySeed(comparedWith));
    return {
      name,
      paper,
      knn: over(runs.map(({ knn }) => 100 * knn)),
      linear: over(runs.map(({ linear }) => 100 * linear)),
      comparedWith,
      difference,
      seedsToTell: difference === null ? null : seedsToTell(difference, plan.tell),
      logs: Object.fromEntries(
        plan.logs.map(({ text }) => [text, over(runs.flatMap(({ logs }) => logs[text] ?? []))]),
      ),
      seconds: over(runs.map(({ seconds }) => seconds))?.mean ?? null,
      failures: results.flatMap((result) =>
        result.kind === "failed" && result.row === name ? [{ seed: result.seed, why: result.why }] : [],
      ),
    };
  });
}

function seedsToTell(difference: Estimate, tell: number | null): number | null {
  const { mean, deviation } = difference;
  return deviation === null || isToldApart(difference) ? null : pairsToTell(tell ?? mean, deviation);
}

/** The correlation of the score, in percent, with a logged number over all runs; null if there are too few. */
function correlationWith(
  { measure }: Plan,
  results: readonly RunResult[],
  { text }: LoggedNumber,
): Correlation | null {
  return correlation(
    doneOf(results).flatMap((run) =>
      run.logs[text] === undefined ? [] : [[run.logs[text], 100 * run[measure]] as const],
    ),
  );
}

const interval = (value: Estimate | null, { signed = false, digits = 2 } = {}): string => {
  if (value === null) return "";
  const sign = signed && value.mean >= 0 ? "+" : "";
  const mean = `${sign}${value.mean.toFixed(digits)}`;
  return value.halfWidth === null ? mean : `${mean} ± ${value.halfWidth.toFixed(digits)}`;
};
const cells = (values: readonly string[]) => `| ${values.join(" | ")} |`;
const seedsCell = (seeds: number | null) =>
  seeds === null ? "" : Number.isFinite(seeds) ? String(seeds) : `> ${mostPairs}`;

/** The table as Markdown, with the question before it and the missing results after it. */
export function toMarkdown(plan: Plan, rows: readonly TableRow[], results: readonly RunResult[]): string {
  const hasPaper = rows.some(({ paper }) => paper !== null);
  const paperCell = (text: string) => (hasPaper ? [text] : []);
  const first = plan.rows[0].name;
  const hasOthers = rows.some(({ comparedWith }) => comparedWith !== null && comparedWith !== first);
  const otherCell = (text: string) => (hasOthers ? [text] : []);
  const hasUntold = rows.some((row) => row.seedsToTell !== null);
  const seedsCells = (text: string) => (hasUntold ? [text] : []);
  const told = plan.tell === null ? "tell it" : `tell ${plan.tell}`;
  const head = [
    ...["row", "seeds", "kNN %", "linear %", "sd"],
    ...otherCell("compared with"),
    hasOthers ? `${plan.measure} difference` : `${plan.measure} to first`,
    ...seedsCells(`seeds to ${told}`),
    ...plan.logs.map(({ text }) => text),
    ...paperCell("paper %"),
    "seconds",
  ];
  const lines = rows.map((row) =>
    cells([
      ...[row.name, String(row.linear?.count ?? 0), interval(row.knn), interval(row.linear)],
      row[plan.measure]?.deviation?.toFixed(2) ?? "",
      ...otherCell(row.comparedWith ?? ""),
      interval(row.difference, { signed: true }),
      ...seedsCells(seedsCell(row.seedsToTell)),
      ...plan.logs.map(({ text }) => interval(row.logs[text], { digits: 3 })),
      ...paperCell(row.paper?.toFixed(2) ?? ""),
      row.seconds?.toFixed(0) ?? "",
    ]),
  );
  const said = [
    ...(plan.question === null ? [] : [`**Question.** ${plan.question.trim()}`, ""]),
    ...(plan.hypothesis === null ? [] : [`**Hypothesis.** ${plan.hypothesis.trim()}`, ""]),
  ];
  const missing = rows.flatMap(({ name, failures }) =>
    failures.map(({ seed, why }) => `- Missing: ${name}, seed ${seed}: ${why}`),
  );
  return [
    `# ${plan.name}`,
    "",
    ...said,
    cells(head),
    cells(head.map(() => "---")),
    ...lines,
    "",
    [
      `Mean ± half the 95 % interval of the mean (Student's t) over seeds; sd of the ${plan.measure} score. Differences are ` +
        `paired by seed. ${lastEpochsNote(plan)}`,
      ...(hasUntold ? [seedsNote(plan)] : []),
      ...(plan.logs.length === 0 ? [] : ["Logged numbers are means over the last epoch that has them."]),
      ...timeNotes(plan),
      ...correlationNotes(plan, results),
    ].join(" "),
    ...(missing.length === 0 ? [] : ["", ...missing]),
    "",
  ].join("\n");
}

const lastEpochsNote = ({ lastEpochs }: Plan) =>
  lastEpochs === 1
    ? "Last epoch."
    : `A run's score is the mean over the encoders of its last ${lastEpochs} epochs.`;

function seedsNote({ tell }: Plan): string {
  const difference = tell === null ? "of the size that was seen" : `of ${tell} points`;
  return (
    "For rows that are not told apart: the seeds with which a paired t-test (5 %, two sides) would find a difference " +
    `${difference} in 80 % of the cases, if the spread of these differences is the true one; few seeds say little about it.`
  );
}

function timeNotes({ rows }: Plan): string[] {
  return rows.flatMap(({ name, sameSecondsAs, config }) => {
    const other = rows.find((row) => row.name === sameSecondsAs);
    if (other === undefined) return [];
    const [own, others] = [config, other.config].map(({ train }) => train.epochs);
    return [`${name}: ${own} epochs, as long as the ${others} of ${other.name} by measured steps.`];
  });
}

function correlationNotes(plan: Plan, results: readonly RunResult[]): string[] {
  const found = plan.against === null ? null : correlationWith(plan, results, plan.against);
  if (found === null) return [];
  const { r, low, high, count } = found;
  const [mean, from, to] = [r, low, high].map((value) => value.toFixed(2));
  return [
    `Pearson's r of ${plan.measure} with ${plan.against?.text} over ${count} runs: ${mean} (95 %: ${from} to ${to}).`,
  ];
}

const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** One line per run, for other analyses: `row,seed,knn,linear,seconds,failure`, then the plan's logged numbers. */
export function toCsv({ logs }: Plan, results: readonly RunResult[]): string {
  const lines = results.map((result) =>
    result.kind === "done"
      ? [
          ...[quoted(result.row), result.seed, result.knn, result.linear, result.seconds.toFixed(1), ""],
          ...logs.map(({ text }) => result.logs[text] ?? ""),
        ]
      : [quoted(result.row), result.seed, "", "", "", quoted(result.why), ...logs.map(() => "")],
  );
  const head = [
    "row",
    "seed",
    "knn",
    "linear",
    "seconds",
    "failure",
    ...logs.map(({ text }) => quoted(text)),
  ];
  return [head, ...lines].map((line) => `${line.join(",")}\n`).join("");
}
