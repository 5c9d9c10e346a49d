import { appendFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LogEntry } from "../../src/base/events.js";
import { LogColumns } from "../../src/watch/log-columns.js";
import { LogTail } from "../../src/watch/log-tail.js";
import { meanParts, thinned } from "../../src/watch/thin.js";
import { temporaryFolder } from "../support/photos.js";
import { logLine } from "./made.js";

/** Columns with a loss per step. */
function columnsOf(losses: readonly number[]): LogColumns {
  const columns = new LogColumns();
  const [usual, hundredth] = [1, 100].map((step): LogEntry => JSON.parse(logLine(step, 0)));
  for (const [i, loss] of losses.entries()) {
    const { logs, ...entry } = (i + 1) % 100 === 0 ? hundredth : usual;
    columns.add({ ...entry, step: i + 1, logs: { ...logs, loss } });
  }
  return columns;
}

describe("thinned", () => {
  it("keeps a log that is short as it is", () => {
    const series = thinned(columnsOf([3, 2, 1]), "loss", null, 10);
    expect(series).toEqual({ name: "loss", steps: [1, 2, 3], values: [3, 2, 1] });
  });

  it("keeps single peaks and the ends of a long one, in order and in at most two points a group", () => {
    const losses = Array.from({ length: 20_000 }, () => 1);
    losses[2345] = 9;
    losses[17_777] = -9;
    const { steps, values } = thinned(columnsOf(losses), "loss", null, 300);
    expect(steps.length).toBeLessThanOrEqual(602);
    expect([steps[0], steps.at(-1)]).toEqual([1, 20_000]);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(values[steps.indexOf(2346)]).toBe(9);
    expect(values[steps.indexOf(17_778)]).toBe(-9);
  });

  it("shows every line of a narrow range, and the neighbours that lines go on to", () => {
    const { steps } = thinned(
      columnsOf(Array.from({ length: 5000 }, (_, i) => i)),
      "loss",
      { from: 100, to: 103 },
      10,
    );
    expect(steps).toEqual([99, 100, 101, 102, 103, 104]);
  });

  it("leaves out lines that lack the number", () => {
    expect(thinned(columnsOf(Array.from({ length: 250 }, () => 1)), "knn", null, 10).steps).toEqual([
      100, 200,
    ]);
  });

  it("takes means of the stages' seconds", () => {
    const { names, steps, values } = meanParts(columnsOf(Array.from({ length: 1000 }, () => 1)), null, 10);
    expect(steps).toHaveLength(10);
    expect(values[names.indexOf("backward")]).toEqual(Array.from({ length: 10 }, () => 0.5));
  });
});

describe("LogTail", () => {
  it("reads each line once, cut where it may be, and begins anew where the log was written anew", async () => {
    const folder = await temporaryFolder();
    const log = join(folder, "metrics.jsonl");
    const tail = new LogTail(folder, "metrics.jsonl");
    await tail.read();
    expect(tail.columns.rows).toBe(0);
    const text = [1, 2, 3, 4].map((step) => logLine(step, step)).join("");
    for (const [from, to] of [
      [0, 10],
      [10, 700],
      [700, 701],
      [701, text.length],
    ]) {
      await appendFile(log, text.slice(from, to));
      await tail.read();
      expect(tail.columns.rows).toBe(text.slice(0, to).split("\n").length - 1);
    }
    await writeFile(join(folder, "new"), logLine(1, 7));
    await rename(join(folder, "new"), log);
    await tail.read();
    expect(tail.columns.rows).toBe(1);
    expect(tail.columns.entries([0])).toEqual([{ ...JSON.parse(logLine(1, 7)), time: null }]);
  });

  it("reads lines of earlier releases, and leaves out what is none", async () => {
    const folder = await temporaryFolder();
    const early = {
      epoch: 0,
      step: 5,
      lr: 1,
      imagesPerSecond: 2,
      loss: 3,
      contrastAccuracy: 0.5,
      maskedShare: 0.1,
    };
    await writeFile(join(folder, "metrics.jsonl"), `{"step":1,\n${JSON.stringify(early)}\nnull\n`);
    const tail = new LogTail(folder, "metrics.jsonl");
    await tail.read();
    expect(tail.columns.rows).toBe(1);
    expect([...tail.columns.values("loss")]).toEqual([3]);
  });
});
