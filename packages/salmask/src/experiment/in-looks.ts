import { type ExecuteOptions, execute, finishedRun, type RunResult } from "./execute.js";
import { photosHere } from "./photos.js";
import { openRows, standings } from "./standings.js";

export interface InLooksOptions extends ExecuteOptions {
  /** The rows that run; of the others, what earlier calls have finished counts. Default: all. */
  readonly only?: readonly string[];
}

/**
 * Executes an experiment look by look: all rows with the seeds of the first look, then those that hypotheses still need with the seeds of the
 * next one. Without hypotheses, all rows with all seeds. Returns the results that there are, row by row. Throws what {@link execute} throws.
 */
export async function executeInLooks({ only, ...options }: InLooksOptions): Promise<RunResult[]> {
  const { plan, out, kept } = options;
  const isAsked = (row: string) => only === undefined || only.includes(row);
  const found = new Map<string, RunResult>();
  const results = () =>
    plan.rows.flatMap(({ name }) => plan.seeds.flatMap((seed) => found.get(`${name}/${seed}`) ?? []));
  let needed = new Set(plan.rows.map(({ name }) => name));
  for (const count of plan.decide?.looks ?? [plan.seeds.length]) {
    const seeds = plan.seeds.slice(0, count);
    const rows = plan.rows.filter(({ name }) => needed.has(name));
    const others = rows.filter(({ name }) => !isAsked(name));
    const here = await photosHere(plan, out);
    const known = others.flatMap((row) =>
      seeds.map((seed) => finishedRun(plan, { row, seed, out, here, kept })),
    );
    const asked = { ...plan, seeds, rows: rows.filter(({ name }) => isAsked(name)) };
    for (const result of [...known, ...(await execute({ ...options, plan: asked }))])
      if (result !== null) found.set(`${result.row}/${result.seed}`, result);
    needed = openRows(standings(plan, results()), count);
    if (needed.size === 0) break;
  }
  return results();
}
