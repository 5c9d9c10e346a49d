import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decisionsMarkdown } from "../../src/experiment/decisions-text.js";
import { executeInLooks } from "../../src/experiment/in-looks.js";
import { type Plan, readPlan } from "../../src/experiment/plan.js";
import { standings } from "../../src/experiment/standings.js";
import { temporaryFolder } from "../support/photos.js";
import { finish, scored } from "./results.js";

const text = `
name: masks
photos: photos/train
probe: photos
seeds: [0, 1, 2, 3, 4]
lastEpochs: 2
decide:
  looks: [3, 5]
  least: 2
  hypotheses:
    - { name: H1, claim: guided masks help, row: guided, over: none }
    - { name: H2, claim: random masks help, row: random, over: none }
rows: [{ name: none, set: { mask.branch: none } }, { name: random, set: { mask.cells: random } }, { name: guided }]
base: { train.epochs: 4 }
`;
const none = [40, 42, 44, 43, 41];
const plus = (...differences: number[]) => differences.map((difference, i) => none[i] + difference);
const [guided, random] = [plus(5, 5.1, 4.9), plus(1, -1, 2, 0.5, 1)];

async function prepare(): Promise<{ plan: Plan; out: string }> {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, "photos/train"), { recursive: true });
  writeFileSync(join(folder, "masks.yaml"), text);
  return { plan: readPlan(join(folder, "masks.yaml")), out: join(folder, "out") };
}

const runsOf = (results: readonly { row: string; seed: number }[]) =>
  results.map(({ row, seed }) => `${row} ${seed}`);

describe("an experiment with hypotheses", () => {
  it("gives the seeds of the next look to the rows of undecided hypotheses alone", async () => {
    const { plan, out } = await prepare();
    expect(plan.rows[0].config.train.keepEncoders).toBe(1);
    await finish(plan, out, "none", none);
    await finish(plan, out, "random", random);
    await finish(plan, out, "guided", guided);
    // A run of guided masks with seed 3 or 4 would have to be trained, which the folder without photos cannot.
    const results = await executeInLooks({ plan, out, jobs: 1 });
    const seeds = [0, 1, 2, 3, 4];
    expect(runsOf(results)).toEqual([
      ...[...seeds.map((seed) => `none ${seed}`), ...seeds.map((seed) => `random ${seed}`)],
      ...["guided 0", "guided 1", "guided 2"],
    ]);
    const [first, second] = standings(plan, results);
    expect(first).toMatchObject({ decision: { verdict: "shown", count: 3 }, next: null });
    expect(second).toMatchObject({ decision: { verdict: "undecided", count: 5 }, next: null });
    const page = decisionsMarkdown(plan, results);
    expect(page).toContain("| H1 | guided | none | 3 | +5.00 |");
    expect(page).toMatch(/- \*\*H1\*\*, guided masks help: \*\*shown\*\* after 3 seeds; .* it still is\./);
    expect(page).toMatch(
      /- \*\*H2\*\*, random masks help: \*\*undecided\*\* after 5 seeds; \d+ seeds would do\./,
    );
    expect(page).not.toContain("Missing");
  });

  it("runs the rows that are asked for, counts what others have finished, and says what is missing", async () => {
    const { plan, out } = await prepare();
    await finish(plan, out, "none", none.slice(0, 3));
    await finish(plan, out, "random", random.slice(0, 2));
    const results = await executeInLooks({ plan, out, jobs: 1, only: ["none"] });
    expect(runsOf(results)).toEqual(["none 0", "none 1", "none 2", "random 0", "random 1"]);
    const page = decisionsMarkdown(plan, results);
    expect(page).toContain("- **H2**, random masks help: not looked at yet.");
    expect(page).toContain("- Missing for the next look: random, seeds 2.");
    expect(page).toContain("- Missing for the next look: guided, seeds 0, 1, 2.");
  });

  it("starts nothing after its time, and still counts all that was finished before", async () => {
    const { plan, out } = await prepare();
    await finish(plan, out, "none", none);
    await finish(plan, out, "random", random.slice(0, 4));
    const results = await executeInLooks({ plan, out, jobs: 1, until: AbortSignal.abort() });
    expect(runsOf(results)).toHaveLength(3 + 3 + 1 + 1 + 1);
    expect(standings(plan, results)[1]).toMatchObject({ decision: { count: 3 }, missing: { random: [4] } });
  });

  it("takes Holm's p over all hypotheses, with 1 for those that were not looked at", async () => {
    const { plan } = await prepare();
    const [first, second] = standings(plan, [...scored("none", none), ...scored("random", random)]);
    expect(first).toMatchObject({ decision: null, adjusted: 1 });
    expect(second.adjusted).toBeCloseTo(Math.min(1, 2 * (second.p ?? 1)), 12);
  });

  it("refuses looks that do not grow to all seeds, and hypotheses about no rows or about one", async () => {
    const { plan, out } = await prepare();
    expect(plan.decide?.looks).toEqual([3, 5]);
    const path = join(out, "../wrong.yaml");
    const wrong = text
      .replace("looks: [3, 5]", "looks: [4, 3]")
      .replace("row: guided, over: none", "row: guides, over: none")
      .replace("row: random, over: none", "row: none, over: none")
      .replace("lastEpochs: 2", "lastEpochs: 9");
    writeFileSync(path, wrong);
    const faults = [
      "decide.looks: expected growing numbers",
      "expected the last one to be all 5 seeds, got 3",
      'H1: expected a row\'s name, got "guides"',
      'H2: expected two rows, got "none" twice',
      "none: lastEpochs: expected at most its 4 epochs, got 9",
    ];
    for (const fault of faults) expect(() => readPlan(path)).toThrow(fault);
  });
});
