import { describe, expect, it } from "vitest";
import type { RunResult } from "../../src/experiment/execute.js";
import { tabulate, toCsv, toMarkdown } from "../../src/experiment/table.js";
import { planOf, scored } from "./results.js";

const three = `
question: Does it help?
hypothesis: It does.
name: study
seeds: [0, 1, 2]
rows: [{ name: plain }, { name: better }, { name: like it }, { name: other, comparedWith: better }]
`;
const results: RunResult[] = [
  ...scored("plain", [40, 42, 44]),
  ...scored("better", [45, 47.1, 48.9]),
  ...scored("like it", [41, 41, 46]),
  ...scored("other", [46, 46.1, 50.9]),
];

describe("tabulate", () => {
  it("takes paired differences to the named row, and counts the seeds that would tell them apart", async () => {
    const [plain, better, alike, other] = tabulate(await planOf(three), results);
    expect(plain).toMatchObject({ comparedWith: null, difference: null, seedsToTell: null });
    // 5, 5.1, 4.9: told apart.
    expect(better).toMatchObject({ comparedWith: "plain", seedsToTell: null });
    expect(better.difference?.mean).toBeCloseTo(5, 9);
    // 1, -1, 2: mean 2/3, deviation 1.5275, effect 0.4364; scipy's noncentral t gives 44 pairs.
    expect(alike.difference?.mean).toBeCloseTo(2 / 3, 9);
    expect(alike.difference?.deviation).toBeCloseTo(1.527525, 6);
    expect(alike.seedsToTell).toBe(44);
    // 1, -1, 2 again, to another row.
    expect(other).toMatchObject({ comparedWith: "better", seedsToTell: 44 });
  });

  it("counts the seeds for a named difference instead, and has none with a single seed", async () => {
    const plan = await planOf(`tell: 1.527525\n${three}`);
    expect(tabulate(plan, results)[2].seedsToTell).toBe(10); // one standard deviation
    const single = results.filter(({ seed }) => seed === 0);
    expect(tabulate(plan, single).map(({ seedsToTell }) => seedsToTell)).toEqual([null, null, null, null]);
  });
});

describe("toMarkdown", () => {
  it("says the question, the compared row, the seeds and what they mean", async () => {
    const plan = await planOf(three);
    const text = toMarkdown(plan, tabulate(plan, results), results);
    expect(text).toContain("**Question.** Does it help?\n\n**Hypothesis.** It does.\n\n| row |");
    expect(text).toContain("| linear difference | seeds to tell it | seconds |");
    expect(text).toMatch(/\| like it \| 3 \|.*\| plain \| \+0\.67 ± 3\.79 \| 44 \| 10 \|/);
    expect(text).toMatch(
      /\| better \| 3 \|.*\| plain \| \+5\.00 ± 0\.25 {2}\| {2}\| 10 \||\| \+5\.00 ± 0\.25 \| {2}\| 10 \|/,
    );
    expect(text).toContain("in 80 % of the cases");
  });

  it("has none of these columns where every row is told from the first", async () => {
    const plan = await planOf("name: two\nseeds: [0, 1, 2]\nrows: [{ name: plain }, { name: better }]");
    const own = results.slice(0, 6);
    const text = toMarkdown(plan, tabulate(plan, own), own);
    expect(text).toContain("| row | seeds | kNN % | linear % | sd | linear to first | seconds |");
    expect(text).not.toContain("80 %");
  });

  it("shows logged numbers, and the score's correlation with the one it is plotted against", async () => {
    const plan = await planOf(
      "name: two\nseeds: [0, 1, 2]\nlogs: [iou, gap]\nagainst: iou\nrows: [{ name: a }, { name: b }]",
    );
    const iou = (values: number[]) => values.map((value) => ({ iou: value }));
    const own = [...scored("a", [2, 1, 4], iou([1, 2, 3])), ...scored("b", [3, 7, 5], iou([4, 5, 6]))];
    const text = toMarkdown(plan, tabulate(plan, own), own);
    expect(text).toContain("| iou | gap | seconds |");
    expect(text).toMatch(/\| a \|.*\| 2\.000 ± 2\.484 \| {2}\| 10 \|/);
    expect(text).toContain("Pearson's r of linear with iou over 6 runs: 0.79 (95 %: -0.06 to 0.98).");
    expect(toCsv(plan, own).split("\n")[1]).toBe("a,0,0.5,0.02,10.0,,1,");
    expect(toCsv(plan, own).split("\n")[0]).toBe("row,seed,knn,linear,seconds,failure,iou,gap");
  });
});
