import { describe, expect, it } from "vitest";
import type { Column } from "../../src/transfer/columns.js";
import type { EncoderRow } from "../../src/transfer/encoders.js";
import { type CellResult, tabulate } from "../../src/transfer/table.js";
import { toCsv, toMarkdown } from "../../src/transfer/table-text.js";

const row = (name: string, given: Partial<EncoderRow> = {}): EncoderRow => ({
  ...{ name, slug: name.toLowerCase(), run: name, start: "encoder", untrained: "fresh", isOneRun: true },
  ...given,
});
const rows = [row("Fresh", { start: "random", untrained: null }), row("A"), row("B")];

const column = (title: string, score: Column["score"], reference: Record<string, number> = {}): Column => ({
  ...{ set: "S", title, place: "s/probe", score, kind: "classes", reference },
});
const columns = [column("kNN", "knn"), column("linear", "top1", { a: 61.5, "Another method": 70 })];

const done = (name: string, seed: number, knn: number | null, top1: number): CellResult => ({
  ...{ kind: "done", row: name, place: "s/probe", seed, seconds: 2, scores: { knn, top1 } },
});
const results: CellResult[] = [
  ...[done("fresh", 0, 0.1, 0.2), done("fresh", 1, 0.2, 0.2), done("fresh", 2, 0.3, 0.2)],
  ...[done("a", 0, 0.5, 0.6), done("a", 1, 0.4, 0.6), done("a", 2, 0.6, 0.6)],
  ...[done("b", 0, 0.9, 0.7), done("b", 2, null, 0.9)],
  { kind: "failed", row: "b", place: "s/probe", seed: 1, why: "no room, at all" },
];
const plan = { name: "T", reference: "paper", seeds: [0, 1, 2] };
const table = tabulate({ plan, columns, rows, results, cells: 10 });

/** The 97.5 % quantile of Student's t: 12.706 and 4.303 for 1 and 2 degrees of freedom. */
const [t1, t2] = [12.7062047362, 4.3026527299];

describe("a transfer table", () => {
  it("has means and intervals over seeds", () => {
    const [knn, linear] = table.rows[1].cells;
    expect(knn.value?.mean).toBeCloseTo(50, 9);
    expect(knn.value?.halfWidth).toBeCloseTo((t2 * 10) / Math.sqrt(3), 6);
    expect(linear.value).toMatchObject({ count: 3, deviation: 0, halfWidth: 0 });
    expect(linear.reference).toBe(61.5);
  });

  it("pairs differences by the seeds that both rows have", () => {
    const [a, b] = [table.rows[1].cells, table.rows[2].cells];
    // 40, 20 and 30 points: mean 30, deviation 10.
    expect(a[0].toUntrained?.mean).toBeCloseTo(30, 9);
    expect(a[0].toUntrained?.halfWidth).toBeCloseTo((t2 * 10) / Math.sqrt(3), 6);
    expect([a[0].toFirst, table.rows[0].cells[0].toUntrained, table.rows[0].cells[0].toFirst]).toEqual([
      null,
      null,
      null,
    ]);
    // 10 and 30 points at the seeds 0 and 2: mean 20, deviation 14.14.
    expect(b[1].toFirst?.mean).toBeCloseTo(20, 9);
    expect(b[1].toFirst?.halfWidth).toBeCloseTo(t1 * 10, 5);
    // One seed alone has no interval: kNN has no score at seed 2.
    expect(b[0].toFirst).toMatchObject({ count: 1, halfWidth: null });
  });

  it("has rows for numbers from elsewhere that no encoder is named after", () => {
    expect(table.rows.map(({ name, kind }) => `${name}: ${kind}`)).toEqual([
      ...["Fresh: untrained", "A: run", "B: run", "Another method: reference"],
    ]);
    expect(table.rows[3].cells.map(({ value, reference }) => [value, reference])).toEqual([
      [null, null],
      [null, 70],
    ]);
  });

  it("is Markdown that says what is missing and what an interval means", () => {
    const lines = toMarkdown(table).split("\n");
    expect(lines).toContain("9 of 10 cells are done.");
    expect(lines).toContain("| row | kNN | linear | paper |");
    expect(lines).toContain("| A | 50.00 ± 24.84 | 60.00 ± 0.00 | 61.50 |");
    expect(lines).toContain("| B | 90.00 | 80.00 ± 127.06 |  |");
    expect(lines).toContain("| Another method |  |  | 70.00 |");
    expect(lines).toContain("| B | +40.00 | +20.00 ± 127.06 |");
    expect(lines).toContain("- Missing: s/probe/b/seed-1: no room, at all");
    expect(lines).toContain("Fewer seeds: B, S kNN: 1 of 3; B, S linear: 2 of 3.");
    expect(lines.join("\n")).toContain("One run each, measured with every seed: A, B.");
  });

  it("says once of a row that all its columns have fewer seeds", () => {
    const fewer = results.filter(({ seed }) => seed !== 2);
    const text = toMarkdown(tabulate({ plan, columns, rows, results: fewer, cells: 9 }));
    expect(text).toMatch(/Fewer seeds: .*\bA: 2 of 3[;.]/);
    expect(text).not.toMatch(/A, S/);
  });

  it("shares a table among sets of one kind, unless it gets too wide", () => {
    const columnsOn = (sets: number) =>
      Array.from({ length: sets }, (_, i): Column => ({ ...columns[0], set: `S${i}` }));
    const heads = (sets: number) =>
      toMarkdown(tabulate({ plan, columns: columnsOn(sets), rows, results, cells: 9 }))
        .split("\n")
        .filter((line) => line.startsWith("| row |") || line.startsWith("## "));
    expect(heads(2).slice(0, 2)).toEqual(["## Photos with classes", "| row | S0 kNN | S1 kNN |"]);
    expect(heads(9).slice(0, 2)).toEqual(["## S0", "| row | kNN |"]);
    expect(heads(9).filter((line) => line.startsWith("## "))).toHaveLength(9);
  });

  it("is CSV with a line for each number", () => {
    const lines = toCsv(columns, rows, results).trim().split("\n");
    expect(lines).toHaveLength(1 + 2 * results.length);
    expect(lines[1]).toBe("Fresh,S,kNN,0,0.1,2.0,");
    expect(lines.at(-1)).toBe('B,S,linear,1,,,"no room, at all"');
  });
});
