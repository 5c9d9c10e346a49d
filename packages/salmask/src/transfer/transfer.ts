/** Carries a transfer plan out, cell by cell: each is finished once, however often the work is interrupted. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { InterruptedError, SalmaskError } from "../base/errors.js";
import { type Report, type RunEvent, silent } from "../base/events.js";
import { writeFileAtomic } from "../base/files.js";
import { percent } from "../base/format.js";
import { Lock } from "../runs/lock.js";
import { CellFolder, type CellOutcome } from "./cell-folder.js";
import { type Column, classWorks, columnsOf, placeOf, possibleTitles, titleOf } from "./columns.js";
import { encoderRows, missingEncoders } from "./encoders.js";
import { Features } from "./features.js";
import { askedOf, type Cell, measure } from "./measure.js";
import { refuse, type TransferPlan } from "./plan.js";
import { openTransferSet, type TransferSet } from "./sets.js";
import { type CellResult, type TransferTable, tabulate } from "./table.js";
import { toCsv, toMarkdown } from "./table-text.js";
import { TimeLeft } from "./time-left.js";

/** Which plan {@link transfer} carries out, and where it writes. */
export interface TransferOptions {
  readonly plan: TransferPlan;
  /** Takes the table and a folder for each cell: `SET/MEASURE/ROW/seed-N`. */
  readonly out: string;
  /** Whether rows may lack runs, whose cells then fail; else such a plan is refused. Default false. */
  readonly mayLackRuns?: boolean;
  /** Folder of the stored photos. */
  readonly cache?: string;
  /** Aborting ends the work with InterruptedError: the table so far is written, and the same call goes on. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/**
 * Measures every row of a plan on every set with every seed. Cells that an earlier call finished are reused where they are of the same
 * encoder, photos and settings; what other settings left is kept aside. `table.md` and `cells.csv` are written after each cell. A
 * cell that fails does not stop the others.
 *
 * Throws UsageError `bad-plan` with all faults before anything is measured, `run-in-use`; InterruptedError.
 */
export async function transfer(options: TransferOptions): Promise<TransferTable> {
  const { plan, out, signal, report = silent } = options;
  await mkdir(out, { recursive: true });
  using _lock = Lock.take(join(out, ".lock"));
  const sets = await openSets(options);
  const columns = columnsOf(sets);
  const rows = encoderRows(plan.rows, plan.seeds, plan);
  // Row by row, so that one cell of every kind is done early: how long the rest takes is told by these.
  const cells = plan.seeds.flatMap((seed) =>
    rows.flatMap((row) => sets.flatMap((set) => cellsOf(set, { row, seed }))),
  );
  const results: CellResult[] = [];
  const table = () => tabulate({ plan, columns, rows, results, cells: cells.length });
  const write = async () => {
    const now = table();
    await writeFileAtomic(join(out, "table.md"), toMarkdown(now));
    await writeFileAtomic(join(out, "cells.csv"), toCsv(columns, rows, results));
  };
  const left = new TimeLeft(cells.map(kindOf));
  using features = new Features();
  for (const cell of cells) {
    if (signal?.aborted === true) break;
    const tell = (state: Extract<RunEvent, { kind: "cell" }>["state"], outcome: string) =>
      report({
        kind: "cell",
        name: nameOf(cell),
        state,
        outcome,
        done: results.length,
        total: cells.length,
        left: left.seconds,
      });
    tell("begun", "");
    const done = await finish(cell, { ...options, features }).catch((error: unknown) => {
      if (error instanceof InterruptedError) return null;
      return error instanceof Error ? error : new Error(String(error));
    });
    if (done === null) break;
    const { row, seed } = cell;
    const at = { row: row.slug, place: placeOf(cell.set.plan, cell.work), seed };
    if (done instanceof Error) {
      results.push({ kind: "failed", ...at, why: done.message });
      left.end(kindOf(cell), null);
      tell("failed", done.message);
    } else {
      const { outcome, isReused } = done;
      results.push({ kind: "done", ...at, scores: outcome.scores, seconds: outcome.seconds });
      left.end(kindOf(cell), outcome.seconds);
      tell(isReused ? "reused" : "done", summaryOf(columns, at.place, outcome));
    }
    await write();
  }
  await write();
  if (results.length < cells.length) {
    throw new InterruptedError(
      `Stopped with ${results.length} of ${cells.length} cells done; the table so far is ${join(out, "table.md")}. ` +
        "The same command goes on, what is trained from its checkpoint.",
    );
  }
  return table();
}

/** What opening a plan's sets needs. */
export type OpenPlan = Pick<TransferOptions, "plan" | "out" | "mayLackRuns" | "signal" | "report">;

/**
 * Opens the sets of a plan, and checks that its rows have runs. Throws UsageError `bad-plan` with all faults; InterruptedError.
 */
export async function openSets({
  plan,
  out,
  mayLackRuns = false,
  signal,
  report = silent,
}: OpenPlan): Promise<TransferSet[]> {
  const faults = mayLackRuns ? [] : plan.rows.flatMap((row) => missingEncoders(row, plan.seeds));
  const sets: TransferSet[] = [];
  for (const set of plan.sets) {
    try {
      const opened = await openTransferSet(set, { folder: join(out, ".embedded"), signal, report });
      faults.push(...referenceFaults(opened));
      sets.push(opened);
    } catch (error) {
      if (!(error instanceof SalmaskError) || error instanceof InterruptedError) throw error;
      faults.push(`${set.name}: ${error.message}`);
    }
  }
  const asked = new Set(plan.sets.flatMap(({ measures }) => measures?.names ?? []));
  const isWhole = sets.length === plan.sets.length;
  for (const name of asked) {
    if (isWhole && !sets.some(({ measures }) => measures.includes(name)))
      faults.push(`measures: expected a set that ${name} can be measured on, got none`);
  }
  if (faults.length > 0) refuse(plan.name, faults);
  return sets;
}

function referenceFaults(set: TransferSet): string[] {
  const titles = possibleTitles(set);
  const unknown = Object.keys(set.plan.reference).filter((title) => !titles.includes(title));
  return unknown.map(
    (title) => `${set.plan.name}: reference: expected one of the columns ${titles.join(", ")}, got ${title}`,
  );
}

/** The cells of a row on a set. All labels come first: their features serve smaller budgets. */
export function cellsOf(set: TransferSet, of: Pick<Cell, "row" | "seed">): Cell[] {
  if (set.kind === "objects") return [{ kind: "detect", set, work: { kind: "detect" }, ...of }];
  const works = classWorks(set).toSorted((a, b) => Number(b.labels === "all") - Number(a.labels === "all"));
  return works.map(
    (work): Cell =>
      work.kind === "probe" ? { kind: "probe", set, work, ...of } : { kind: "finetune", set, work, ...of },
  );
}

const kindOf = ({ set, work }: Cell) => placeOf(set.plan, work);

const nameOf = ({ set, work, row, seed }: Cell) =>
  `${set.plan.name}, ${titleOf(work)}, ${row.name}, seed ${seed}`;

/** The outcome of a cell: of an earlier call, or measured now. Throws what {@link measure} throws. */
async function finish(
  cell: Cell,
  { out, cache, signal, report = silent, features }: TransferOptions & { readonly features: Features },
): Promise<{ readonly outcome: CellOutcome; readonly isReused: boolean }> {
  const { set, work, row, seed } = cell;
  const folder = new CellFolder(join(out, placeOf(set.plan, work), row.slug, `seed-${seed}`));
  const asked = await askedOf(cell);
  const { outcome, moved } = await folder.begin(asked);
  if (moved !== null) report({ kind: "note", message: `${nameOf(cell)}: ${moved}` });
  if (outcome !== null) return { outcome, isReused: true };
  const given = { folder, asked, features, cache, signal, report: withoutLines(nameOf(cell), report) };
  return { outcome: await measure(cell, given), isReused: false };
}

/** What happens inside a cell, as progress: a table has too many cells for the lines that a single run writes. */
function withoutLines(name: string, report: Report): Report {
  return (event) => {
    if (event.kind === "progress") report({ ...event, what: `${name}: ${event.what}` });
    if (event.kind === "step")
      report({ kind: "progress", what: `${name}: steps`, done: event.step, total: event.steps });
    if (event.kind === "warning") report(event);
  };
}

/** The scores of a cell that the table shows, for people. */
function summaryOf(columns: readonly Column[], place: string, { scores }: CellOutcome): string {
  return columns
    .filter((column) => column.place === place)
    .map(({ title, score }) => {
      const value = scores[score] ?? null;
      return `${title} ${value === null ? "-" : percent(value, 1)}`;
    })
    .join(", ");
}
