/** How the hypotheses of an experiment stand with the results that there are. */
import { type Decision, decide, holm, looksOf, sequentialP } from "../base/sequential.js";
import type { RunResult } from "./execute.js";
import type { Hypothesis } from "./hypotheses.js";
import type { Plan } from "./plan.js";

/** How a hypothesis stands. */
export interface Standing {
  readonly hypothesis: Hypothesis;
  /** null before the first look. */
  readonly decision: Decision | null;
  /** Two-sided p over the looks so far; null before the first look. */
  readonly p: number | null;
  /** Holm's adjusted p over all hypotheses of the experiment; null before the first look of any of them. */
  readonly adjusted: number | null;
  /** Seeds of the next look; null where the hypothesis is decided, or was looked at for the last time. */
  readonly next: number | null;
  /** Seeds up to the next look that a row has no result of, by the rows' names. */
  readonly missing: Readonly<Record<string, readonly number[]>>;
}

/** How each hypothesis stands with these results. */
export function standings(plan: Plan, results: readonly RunResult[]): Standing[] {
  const { decide: wanted, seeds, measure } = plan;
  if (wanted === null) return [];
  const { least, hypotheses } = wanted;
  const looks = looksOf(wanted.looks);
  const scores = new Map<string, number>();
  for (const result of results)
    if (result.kind === "done") scores.set(`${result.row}/${result.seed}`, 100 * result[measure]);
  const found = hypotheses.map((hypothesis) => {
    const { row, over } = hypothesis;
    const differences = seeds.map((seed) => {
      const [own, other] = [row, over].map((name) => scores.get(`${name}/${seed}`));
      return own === undefined || other === undefined ? null : own - other;
    });
    const decision = decide(differences, { looks, least });
    const p = decision === null ? null : sequentialP(differences, looks, decision.count);
    const isOpen = decision === null || decision.verdict === "undecided";
    const next = isOpen ? (wanted.looks.find((count) => count > (decision?.count ?? 0)) ?? null) : null;
    const lacking = (name: string) =>
      seeds.slice(0, next ?? 0).filter((seed) => !scores.has(`${name}/${seed}`));
    return { hypothesis, decision, p, next, missing: { [row]: lacking(row), [over]: lacking(over) } };
  });
  const isLookedAt = found.some(({ decision }) => decision !== null);
  const adjusted = holm(found.map(({ p }) => p ?? 1));
  return found.map((one, i) => ({ ...one, adjusted: isLookedAt ? adjusted[i] : null }));
}

/** The rows that the next look after `count` seeds needs: those of hypotheses that were looked at and stay undecided. */
export function openRows(found: readonly Standing[], count: number): Set<string> {
  const open = found.filter(({ decision, next }) => decision?.count === count && next !== null);
  return new Set(open.flatMap(({ hypothesis: { row, over } }) => [row, over]));
}
