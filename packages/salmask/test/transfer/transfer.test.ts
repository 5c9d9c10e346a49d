import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import { InterruptedError } from "../../src/base/errors.js";
import type { RunEvent } from "../../src/base/events.js";
import { readObjects } from "../../src/data/sets/read-objects.js";
import { openSet } from "../../src/data/sets/registry.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { evaluateDetector } from "../../src/tasks/detect/evaluate.js";
import { detectSettings } from "../../src/tasks/detect/settings.js";
import { trainDetector } from "../../src/tasks/detect/train.js";
import { finetune } from "../../src/tasks/finetune/finetune.js";
import { finetuneSettings } from "../../src/tasks/finetune/settings.js";
import { probeRun } from "../../src/tasks/probe/probe-run.js";
import { readTransferPlan } from "../../src/transfer/plan.js";
import type { TransferTable } from "../../src/transfer/table.js";
import { type TransferOptions, transfer } from "../../src/transfer/transfer.js";
import { loadDetector } from "../../src/weights/detector-files.js";
import { temporaryFolder } from "../support/photos.js";
import { small, writeClasses, writeObjects, writeRun } from "./made.js";

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "salmask-transfer-"));
  await writeClasses(at("noise"), { train: 30, test: 30 });
  await writeObjects(at("scenes"));
  for (const seed of [0, 1]) await writeRun(at("many", `seed-${seed}`), 10 + seed);
  await writeRun(at("one"), 5);
  return () => rm(folder, { recursive: true, force: true });
});

interface Wanted {
  readonly sets?: readonly object[];
  readonly finetune?: object;
  readonly seeds?: readonly number[];
}

async function optionsOf({
  sets,
  finetune: more = {},
  seeds = [0, 1],
}: Wanted = {}): Promise<TransferOptions> {
  const noise = { name: "Noise", photos: at("noise"), labels: [2, "all"] };
  const tuned = { name: "Tuned", photos: at("noise"), measures: ["finetune"], labels: [2] };
  const path = join(await temporaryFolder(), "plan.yaml");
  const plan = {
    name: "Small sets",
    seeds,
    reference: "paper",
    runs: [
      { name: "Many", run: at("many") },
      { name: "One", run: at("one") },
    ],
    finetune: { ...small.finetune, ...more },
    detect: small.detect,
    sets: sets ?? [noise, tuned, { name: "Scenes", photos: at("scenes") }],
  };
  await writeFile(path, stringify(plan));
  return { plan: readTransferPlan(path), out: join(await temporaryFolder(), "out"), cache: at("cache") };
}

type CellEvent = Extract<RunEvent, { kind: "cell" }>;

/** Carries a plan out; `on` sees every event. */
async function carryOut(
  options: TransferOptions,
  on: (event: RunEvent) => void = () => {},
): Promise<{ table: TransferTable; cells: CellEvent[] }> {
  const cells: CellEvent[] = [];
  const report = (event: RunEvent) => {
    if (event.kind === "cell" && event.state !== "begun") cells.push(event);
    on(event);
  };
  return { table: await transfer({ ...options, report }), cells };
}

const count = (cells: readonly CellEvent[], state: CellEvent["state"]) =>
  cells.filter((cell) => cell.state === state).length;

/** A cell's scores, as its folder keeps them. */
function scoresIn(out: string, ...cell: string[]): Record<string, number> {
  return JSON.parse(readFileSync(join(out, ...cell, "cell.json"), "utf8")).outcome.scores;
}

it("measures what each set is for, and every cell is what its own command says", async () => {
  const options = await optionsOf();
  const { out } = options;
  const { table, cells } = await carryOut(options);
  expect(table.columns.map(({ set, title }) => `${set}: ${title}`)).toEqual([
    ...[
      "Noise: kNN 2 per class",
      "Noise: linear 2 per class",
      "Noise: kNN",
      "Noise: linear",
      "Tuned: finetune 2 per class",
    ],
    ...["Scenes: AP", "Scenes: AP50", "Scenes: AP75"],
  ]);
  expect(table.rows.map(({ name, kind, isOneRun }) => [name, kind, isOneRun])).toEqual([
    ["random initialisation", "untrained", false],
    ["Many", "run", false],
    ["One", "run", true],
  ]);
  expect(table).toMatchObject({ done: 24, total: 24, failures: [] });
  expect(count(cells, "done")).toBe(24);
  expect(cells.map(({ done }) => done)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  // The first seed's cells are finished before a cell of every kind is known; then the time left is.
  expect(cells[0].left).toBeNull();
  expect(cells[12].left).toBeGreaterThan(0);
  expect(cells[23].left).toBe(0);

  for (const labels of ["2", "all"]) {
    const place = labels === "all" ? "probe" : "probe-2-per-class";
    for (const [row, run] of [
      ["many", at("many", "seed-1")],
      ["one", at("one")],
    ]) {
      const probed = await probeRun({
        ...{ run: join(run, "weights.safetensors"), photos: [at("noise")], protocol: "fast" },
        ...{ seed: 1, labels, cache: at("cache") },
      });
      const kept = scoresIn(out, "noise", place, row, "seed-1");
      expect(kept).toMatchObject({ knn: probed.knn.top1, top1: probed.linear.top1 });
      const untrained = scoresIn(out, "noise", place, "random-initialisation", "seed-1");
      expect(untrained).toMatchObject({ knn: probed.knn.randomTop1, top1: probed.linear.randomTop1 });
    }
  }

  const config = finetuneSettings.schema.parse({ ...small.finetune, seed: 1, labels: "2", start: "random" });
  const given = { photos: [at("noise")], config: { ...config, cache: at("cache") }, resume: false };
  const tuned = await finetune({ ...given, encoder: at("one"), out: join(await temporaryFolder(), "run") });
  const { top1, meanPerClass } = tuned.scores;
  const kept = scoresIn(out, "tuned", "finetune-2-per-class", "random-initialisation", "seed-1");
  expect(kept).toMatchObject({ top1, meanPerClass });

  const { set } = await openSet(at("scenes"));
  if (set.kind !== "annotated") throw new Error("expected objects");
  const [train, scored] = await Promise.all(
    ["train", "test"].map(async (part) => (await readObjects(set, part)).photos),
  );
  const trained = await trainDetector({
    ...{
      encoder: at("many", "seed-0"),
      set: train,
      out: join(await temporaryFolder(), "run"),
      resume: false,
    },
    config: detectSettings.schema.parse({ ...small.detect, seed: 0 }),
  });
  const { detector } = loadDetector(trained.weights);
  const found = await evaluateDetector(detector, scored, { withMasks: false });
  detector.dispose();
  const { ap, ap50, ap75 } = found.boxes.all;
  expect(scoresIn(out, "scenes", "detect", "many", "seed-0")).toMatchObject({ ap, ap50, ap75 });

  // The mean and the interval of two seeds in closed form: t(0.975, 1) = 12.7062, and the deviation is |a - b| / sqrt 2.
  const linear = (row: string, seed: number) =>
    100 * scoresIn(out, "noise", "probe", row, `seed-${seed}`).top1;
  const [a, b] = [linear("many", 0), linear("many", 1)];
  const [c, d] = [linear("random-initialisation", 0), linear("random-initialisation", 1)];
  const shown = table.rows[1].cells[3];
  expect(shown.value?.mean).toBeCloseTo((a + b) / 2, 9);
  expect(shown.value?.halfWidth).toBeCloseTo((12.7062047 * Math.abs(a - b)) / 2, 5);
  expect(shown.toUntrained?.mean).toBeCloseTo((a - c + b - d) / 2, 9);
  expect(shown.toUntrained?.halfWidth).toBeCloseTo((12.7062047 * Math.abs(a - c - b + d)) / 2, 5);
  expect(shown.toFirst).toBeNull();

  const markdown = readFileSync(join(out, "table.md"), "utf8");
  expect(markdown).toContain(`| Many | `);
  expect(markdown).toContain("## Scenes");
  expect(markdown).toContain("Difference to Many:");
  const csv = readFileSync(join(out, "cells.csv"), "utf8").trim().split("\n");
  expect(csv[0]).toBe("row,set,column,seed,score,seconds,failure");
  expect(csv).toHaveLength(1 + 3 * 2 * 8);
});

it("goes on where it was interrupted, and trains nothing twice", async () => {
  const sets = [{ name: "Noise", photos: at("noise"), measures: ["knn", "finetune"] }];
  const options = await optionsOf({ sets, seeds: [0], finetune: { checkpointEvery: 1 } });
  const { out } = options;
  const stop = new AbortController();
  const first: CellEvent[] = [];
  const interrupted = transfer({
    ...options,
    signal: stop.signal,
    report: (event) => {
      if (event.kind === "cell" && event.state !== "begun") first.push(event);
      const isInSecond = event.kind === "progress" && event.what === "Noise, finetune, Many, seed 0: steps";
      if (isInSecond && event.done === 7) stop.abort();
    },
  });
  await expect(interrupted).rejects.toThrow(InterruptedError);
  await expect(interrupted).rejects.toThrow(/Stopped with 3 of 6 cells done/);
  expect(readFileSync(join(out, "table.md"), "utf8")).toContain("3 of 6 cells are done.");
  const cell = (...parts: string[]) => join(out, "noise", ...parts);
  const finished = cell("finetune", "random-initialisation", "seed-0", "run", "weights.safetensors");
  const before = statSync(finished).mtimeMs;
  const run = new RunFolder(cell("finetune", "many", "seed-0", "run"));
  expect(run.log.read().at(-1)?.step).toBe(7);
  expect(existsSync(run.weights)).toBe(false);

  let steps = 0;
  const { table, cells } = await carryOut(options, (event) => {
    if (event.kind === "progress" && event.what === "Noise, finetune, Many, seed 0: steps") steps++;
  });
  expect(table).toMatchObject({ done: 6, total: 6, failures: [] });
  expect(count(cells, "reused")).toBe(first.length);
  expect(cells.filter(({ state }) => state === "reused").map(({ name }) => name)).toEqual(
    first.map(({ name }) => name),
  );
  expect(statSync(finished).mtimeMs).toBe(before);
  expect(steps).toBe(3);
  const config = finetuneSettings.schema.parse({ ...small.finetune, cache: at("cache") });
  const whole = join(await temporaryFolder(), "run");
  await finetune({ encoder: at("many", "seed-0"), photos: [at("noise")], out: whole, config, resume: false });
  const weights = readFileSync(join(whole, "weights.safetensors"));
  expect(readFileSync(run.weights).equals(weights)).toBe(true);

  // All is reused now, wherever the photos' pixels lie and however often a checkpoint was written.
  const elsewhere = { ...(await optionsOf({ sets, seeds: [0], finetune: { checkpointEvery: 2 } })), out };
  const again = await carryOut({ ...elsewhere, cache: undefined });
  expect(count(again.cells, "reused")).toBe(6);
  expect(again.table.rows).toEqual(table.rows);

  // What other settings left is kept, and what they do not concern is reused.
  const other = { ...(await optionsOf({ sets, seeds: [0], finetune: { lr: 0.5 } })), out };
  const notes: string[] = [];
  const changed = await carryOut(other, (event) => {
    if (event.kind === "note" && event.message.includes("seed")) notes.push(event.message);
  });
  expect([count(changed.cells, "reused"), count(changed.cells, "done")]).toEqual([3, 3]);
  expect(notes).toHaveLength(3);
  expect(notes[1]).toContain(
    "Noise, finetune, Many, seed 0: the run there has other settings (lr was 0.02 and is 0.5)",
  );
  expect(readdirSync(cell("finetune", "many")).sort()).toEqual(["seed-0", "seed-0.older-1"]);
  const older = cell("finetune", "many", "seed-0.older-1", "run", "weights.safetensors");
  expect(readFileSync(older).equals(weights)).toBe(true);
});

it("measures again where the pictures changed by the same names, and counts cells of before sizes were written down", async () => {
  const photos = join(await temporaryFolder(), "noise");
  await writeClasses(photos, { train: 12, test: 12 });
  const options = await optionsOf({ sets: [{ name: "Noise", photos, measures: ["knn"] }], seeds: [0] });
  await carryOut(options);
  const file = join(options.out, "noise", "probe", "many", "seed-0", "cell.json");
  const { asked, outcome } = JSON.parse(readFileSync(file, "utf8"));
  const { files, ...before } = asked;
  await writeFile(file, JSON.stringify({ asked: before, outcome }));
  expect(count((await carryOut(options)).cells, "reused")).toBe(3);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ asked: { ...before, files }, outcome });
  await writeClasses(photos, { train: 12, test: 12 }, 20);
  expect(count((await carryOut(options)).cells, "done")).toBe(3);
  expect(readdirSync(join(options.out, "noise", "probe", "many")).sort()).toEqual([
    "seed-0",
    "seed-0.older-1",
  ]);
});

it("goes on with a detector where it was interrupted, to the same weights", async () => {
  const train = { ...small.detect.train, epochs: 4 };
  const sets = [{ name: "Scenes", photos: at("scenes"), detect: { train } }];
  const options = await optionsOf({ sets, seeds: [0] });
  const stop = new AbortController();
  const what = "Scenes, detect, Many, seed 0: steps";
  const interrupted = transfer({
    ...options,
    signal: stop.signal,
    report: (event) => {
      if (event.kind === "progress" && event.what === what && event.done === 2) stop.abort();
    },
  });
  await expect(interrupted).rejects.toThrow(/Stopped with 1 of 3 cells done/);
  const run = new RunFolder(join(options.out, "scenes", "detect", "many", "seed-0", "run"));
  expect(run.log.read().at(-1)?.step).toBe(2);
  expect(existsSync(run.weights)).toBe(false);

  let steps = 0;
  const { table } = await carryOut(options, (event) => {
    if (event.kind === "progress" && event.what === what) steps++;
  });
  expect(table).toMatchObject({ done: 3, total: 3, failures: [] });
  expect(steps).toBe(2);
  const { set } = await openSet(at("scenes"));
  if (set.kind !== "annotated") throw new Error("expected objects");
  const out = join(await temporaryFolder(), "run");
  const photos = (await readObjects(set, "train")).photos;
  const config = detectSettings.schema.parse({ ...small.detect, train });
  await trainDetector({ encoder: at("many", "seed-0"), set: photos, out, resume: false, config });
  expect(readFileSync(run.weights).equals(readFileSync(join(out, "weights.safetensors")))).toBe(true);
});

it("goes on where a cell fails, and says which is missing", async () => {
  const sets = [{ name: "Noise", photos: at("noise"), measures: ["knn", "finetune"] }];
  const options = await optionsOf({ sets, seeds: [0], finetune: { lr: 1e30 } });
  const { table, cells } = await carryOut(options);
  expect([count(cells, "done"), count(cells, "failed")]).toEqual([3, 3]);
  expect(table.failures[1]).toMatchObject({
    cell: "noise/finetune/many/seed-0",
    why: expect.stringContaining("NaN"),
  });
  expect(table.rows[1].cells.map(({ value }) => value === null)).toEqual([false, true]);
  expect(readFileSync(join(options.out, "table.md"), "utf8")).toContain(
    "- Missing: noise/finetune/many/seed-0: ",
  );
});
