/** The hypotheses of an experiment, which seeds decide by a rule that is fixed before the runs. */
import { z } from "zod";
import { shown } from "../base/faults.js";

export const decideSchema = z.strictObject({
  looks: z
    .array(z.int().min(2))
    .min(1)
    .describe("numbers of seeds after which hypotheses are decided; the last one is all seeds"),
  least: z.number().positive().describe("smallest difference of interest, in points"),
  hypotheses: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        claim: z.string().min(1).describe("what is claimed, in words"),
        row: z.string().describe("the row that is claimed to be ahead"),
        over: z.string().describe("of this row"),
      }),
    )
    .min(1),
});

/** When and about what an experiment decides. */
export type DecidePlan = z.infer<typeof decideSchema>;
/** A claim that one row is ahead of another. */
export type Hypothesis = DecidePlan["hypotheses"][number];

/** What is wrong with hypotheses beside these seeds and rows. */
export function decideFaults(
  { looks, hypotheses }: DecidePlan,
  { seeds, rows }: { readonly seeds: readonly number[]; readonly rows: readonly string[] },
): string[] {
  const faults: string[] = [];
  if (looks.some((look, i) => i > 0 && look <= looks[i - 1]))
    faults.push("decide.looks: expected growing numbers");
  if (looks.at(-1) !== seeds.length)
    faults.push(`decide.looks: expected the last one to be all ${seeds.length} seeds, got ${looks.at(-1)}`);
  for (const [i, { name, row, over }] of hypotheses.entries()) {
    for (const wanted of [row, over])
      if (!rows.includes(wanted)) faults.push(`${name}: expected a row's name, got ${shown(wanted)}`);
    if (row === over) faults.push(`${name}: expected two rows, got ${shown(row)} twice`);
    if (hypotheses.findIndex((other) => other.name === name) < i)
      faults.push(`decide.hypotheses: expected a name of its own, got ${shown(name)} twice`);
  }
  return faults;
}
