/** The decisions of an experiment as Markdown. */
import { type Decision, type DecisionRule, looksOf, valuesToDecide } from "../base/sequential.js";
import { mostPairs } from "../base/statistics.js";
import type { RunResult } from "./execute.js";
import type { Plan } from "./plan.js";
import { type Standing, standings } from "./standings.js";

const cells = (values: readonly string[]) => `| ${values.join(" | ")} |`;
const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
const small = (p: number) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

/** A table of the hypotheses, a sentence about each, and what is missing; empty for an experiment without hypotheses. */
export function decisionsMarkdown(plan: Plan, results: readonly RunResult[]): string {
  if (plan.decide === null) return "";
  const { looks, least } = plan.decide;
  const rule = { looks: looksOf(looks), least };
  const found = standings(plan, results);
  const head = [
    "hypothesis",
    "row",
    "over",
    "seeds",
    "difference",
    "95 % interval",
    "sd",
    "p",
    "p, Holm",
    "decision",
  ];
  const lines = found.map(({ hypothesis, decision, p, adjusted }) => {
    const { name, row, over } = hypothesis;
    const measured =
      decision === null
        ? ["0", "", "", "", "", "", "not looked at yet"]
        : [
            String(decision.count),
            signed(decision.mean),
            `${signed(decision.low)} to ${signed(decision.high)}`,
            decision.deviation.toFixed(2),
            p === null ? "" : small(p),
            adjusted === null ? "" : small(adjusted),
            decision.verdict,
          ];
    return cells([name, row, over, ...measured]);
  });
  const missing = missingLines(found);
  return [
    cells(head),
    cells(head.map(() => "---")),
    ...lines,
    "",
    `Differences of the ${plan.measure} score in points, paired by seed; looks after ${looks.join(" and ")} seeds. The intervals hold for all looks ` +
      `together (O'Brien and Fleming's bound with Student's t). Smallest difference of interest: ${least} points.`,
    "",
    ...found.map((standing) => `- ${sentence(standing, rule)}`),
    ...(missing.length === 0 ? [] : ["", ...missing]),
    "",
  ].join("\n");
}

function sentence(
  { hypothesis: { name, claim }, decision, next, adjusted }: Standing,
  rule: DecisionRule,
): string {
  const { least } = rule;
  const start = `**${name}**, ${claim}:`;
  if (decision === null) return `${start} not looked at yet.`;
  const after = `after ${decision.count} seeds`;
  switch (decision.verdict) {
    case "shown": {
      const size = decision.high < least ? `, by less than ${least} points` : "";
      const family = adjusted !== null && adjusted <= 0.05 ? "it still is" : "it is not";
      return `${start} **shown** ${after}${size}; counted with all hypotheses here (Holm, 5 %), ${family}.`;
    }
    case "refuted": {
      const opposite = decision.high < 0 ? ", and the opposite is true" : "";
      return `${start} **refuted** ${after}: it is not ahead by ${least} points${opposite}.`;
    }
    case "undecided":
      return `${start} **undecided** ${after}; ${wantedOf(decision, rule)}${next === null ? "" : `, and the next look is after ${next}`}.`;
  }
}

function wantedOf(decision: Decision, rule: DecisionRule): string {
  const wanted = valuesToDecide(decision, rule);
  return Number.isFinite(wanted)
    ? `${wanted} seeds would do`
    : `more than ${mostPairs} seeds would be needed`;
}

/** What the next looks lack, row by row. */
function missingLines(found: readonly Standing[]): string[] {
  const rows = new Map<string, Set<number>>();
  for (const { missing } of found) {
    for (const [row, seeds] of Object.entries(missing)) {
      const known = rows.get(row) ?? new Set();
      for (const seed of seeds) known.add(seed);
      rows.set(row, known);
    }
  }
  return Array.from(rows)
    .filter(([, seeds]) => seeds.size > 0)
    .map(([row, seeds]) => {
      const sorted = Array.from(seeds).sort((a, b) => a - b);
      return `- Missing for the next look: ${row}, seeds ${sorted.join(", ")}.`;
    });
}
