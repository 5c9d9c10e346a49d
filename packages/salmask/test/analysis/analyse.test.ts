import { join } from "node:path";
import { expect, it } from "vitest";
import { type AnalyseOptions, type Analysis, analyse, type Outcome } from "../../src/analysis/analyse.js";
import { measureNames } from "../../src/analysis/measures/registry.js";
import { InterruptedError } from "../../src/base/errors.js";
import { probeRun } from "../../src/tasks/probe/probe-run.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";
import {
  alike,
  byGround,
  byObject,
  byOutline,
  type SceneLook,
  side,
  writeEncoder,
  writeScenes,
} from "./made.js";

type Made = Extract<Outcome, { kind: "measured" }>;

function madeIn({ outcomes }: Analysis, name: string): Made {
  const found = outcomes.find((outcome) => outcome.name === name);
  if (found?.kind !== "measured") throw new Error(`expected ${name} to be measured`);
  return found;
}

/** The numbers of an encoder in a table of a measure, by their titles. */
function valuesOf(analysis: Analysis, name: string, encoder: string, table = 0): Record<string, number> {
  const { columns, rows } = madeIn(analysis, name).tables[table];
  const values = rows.find((row) => row.name === encoder)?.values ?? [];
  return Object.fromEntries(columns.map(({ title }, i) => [title, values[i] ?? Number.NaN]));
}

it("makes every measure; the same encoder twice says the same, and probes say what the probe command says", async () => {
  const folder = await temporaryFolder();
  const cache = join(folder, "cache");
  const path = join(folder, "set");
  await writeScenes(path, alike, { train: 45, test: 18 });
  const run = await writeEncoder(join(folder, "run"), 3);
  const filtered = await writeEncoder(join(folder, "filtered"), 4, "high-pass");
  const asked: AnalyseOptions = {
    encoders: [
      { name: "A", run },
      { name: "again", run },
      { name: "filtered", run: filtered },
    ],
    photos: { kind: "folder", path, masks: null },
    random: false,
    cache,
  };
  const written: number[] = [];
  const onMeasured = async ({ outcomes, waiting }: Analysis) => {
    expect(outcomes.length + waiting.length).toBe(measureNames.length);
    written.push(outcomes.length);
  };
  const analysis = await analyse({ ...asked, onMeasured });
  expect(written).toEqual(measureNames.map((_, i) => i + 1));
  expect(analysis.photos).toMatchObject({ learned: 45, scored: 18, hasMasks: true });
  expect(analysis.encoders.map(({ name, fill }) => [name, fill])).toEqual([
    ["A", "none"],
    ["again", "none"],
    ["filtered", "high-pass"],
  ]);
  for (const name of measureNames) {
    for (const { rows, columns } of madeIn(analysis, name).tables) {
      expect(rows.map((row) => row.name)).toEqual(analysis.encoders.map((encoder) => encoder.name));
      for (const { values } of rows) {
        expect(values).toHaveLength(columns.length);
        for (const value of values) expect(Number.isFinite(value), name).toBe(true);
      }
      const [first, again, other] = rows.map(({ values }) => values);
      if (name !== "cka") expect(again).toEqual(first);
      if (name === "alignment") expect(other).not.toEqual(first);
    }
  }
  const cka = valuesOf(analysis, "cka", "A");
  expect(cka.A).toBeCloseTo(1, 10);
  expect(cka.again).toBeCloseTo(1, 10);
  expect(cka.filtered).toBeLessThan(0.999);
  expect(cka.filtered).toBeCloseTo(valuesOf(analysis, "cka", "filtered").A, 10);

  for (const [encoder, weights] of [
    ["A", run],
    ["filtered", filtered],
  ]) {
    const given = { run: join(weights, "weights.safetensors"), photos: [path], seed: 0, cache };
    const probed = await probeRun({ ...given, protocol: "fast" });
    expect(valuesOf(analysis, "confusion", encoder)["kNN top-1"]).toBe(probed.knn.top1);
    expect(valuesOf(analysis, "robustness", encoder).clean).toBe(probed.linear.top1);
    const whole = valuesOf(analysis, "backgrounds", encoder).whole;
    expect(Math.abs(whole - probed.linear.top1)).toBeLessThanOrEqual(1 / 18);
  }
});

/** Some measures of an encoder on classes that differ in one thing alone. */
async function onScenes(looks: Readonly<Record<string, SceneLook>>): Promise<Analysis> {
  const folder = await temporaryFolder();
  const path = await writeScenes(join(folder, "set"), looks, { train: 60, test: 30 });
  return analyse({
    encoders: [{ name: "A", run: await writeEncoder(join(folder, "run"), 3) }],
    random: false,
    photos: { kind: "folder", path, masks: null },
    only: ["grad-cam", "backgrounds", "shape"],
    cache: join(folder, "cache"),
  });
}

it("says that objects count where classes differ in their objects' colours", async () => {
  const analysis = await onScenes(byObject);
  const backgrounds = valuesOf(analysis, "backgrounds", "A");
  expect(backgrounds.whole).toBeGreaterThan(0.9);
  expect(backgrounds["mixed, any class"]).toBeGreaterThan(0.9);
  expect(backgrounds["background alone"]).toBeLessThan(0.6);
  expect(Math.abs(backgrounds.gap)).toBeLessThan(0.1);
  const shape = valuesOf(analysis, "shape", "A");
  expect(shape["says the texture"]).toBeGreaterThan(0.9);
  expect(shape["shape bias"]).toBeLessThan(0.1);
  const cam = valuesOf(analysis, "grad-cam", "A");
  expect(cam["area of the object"]).toBeCloseTo((14 * 14) / (side * side), 3);
  expect(cam["energy on the object"]).toBeGreaterThan(cam["area of the object"]);
});

it("says that backgrounds count where classes differ in these", async () => {
  const backgrounds = valuesOf(await onScenes(byGround), "backgrounds", "A");
  expect(backgrounds.whole).toBeGreaterThan(0.9);
  expect(backgrounds["background alone"]).toBeGreaterThan(0.9);
  expect(backgrounds["mixed, same class"]).toBeGreaterThan(0.9);
  expect(backgrounds.gap).toBeGreaterThan(0.4);
});

it("says that shapes count where classes differ in outlines", async () => {
  const shape = valuesOf(await onScenes(byOutline), "shape", "A");
  expect(shape["shape bias"]).toBeGreaterThan(0.9);
});

it("finds no shift of features where a fill changes nothing", async () => {
  const folder = await temporaryFolder();
  const flat: SceneLook = { object: [90, 140, 60], ground: [90, 140, 60], width: 4, height: 4, noise: 1 };
  const path = await writeScenes(join(folder, "set"), { flat }, { train: 4, test: 4 });
  const analysis = await analyse({
    encoders: [{ name: "A", run: await writeEncoder(join(folder, "run"), 3) }],
    photos: { kind: "folder", path: join(path, "test", "flat"), masks: null },
    only: ["borders"],
    cache: join(folder, "cache"),
  });
  const shift = valuesOf(analysis, "borders", "A", 2);
  expect(shift.mean).toBeLessThan(1e-4);
  expect(shift.blur).toBeLessThan(1e-4);
  expect(shift.zero).toBeGreaterThan(0.05);
  // Borders of zeros are the only edges of these photos.
  expect(valuesOf(analysis, "borders", "A", 1).zero).toBeGreaterThan(100);
});

it("leaves out what photos do not allow, and refuses it where it is named", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "plain");
  await writePhotos(folder, 10, 16, ["plain"]);
  const asked: AnalyseOptions = {
    encoders: [{ name: "A", run: await writeEncoder(join(folder, "run"), 3) }],
    random: false,
    photos: { kind: "folder", path, masks: null },
    cache: join(folder, "cache"),
  };
  const analysis = await analyse(asked);
  const skipped = analysis.outcomes.flatMap((outcome) =>
    outcome.kind === "skipped" ? [[outcome.name, outcome.why]] : [],
  );
  expect(skipped.map(([name]) => name)).toEqual([
    "cka",
    "confusion",
    "grad-cam",
    "backgrounds",
    "robustness",
    "shape",
  ]);
  expect(skipped[0][1]).toContain("two encoders");
  expect(skipped[2][1]).toMatch(/photos with classes.*; .*true masks/);
  const refused = analyse({ ...asked, only: ["rank", "cka", "shape"] });
  await expect(refused).rejects.toMatchObject({ code: "cannot-measure", exitCode: 2 });
  await expect(refused).rejects.toThrow(/cka: .*shape: /s);
});

it("stops between batches, and keeps what was finished", async () => {
  const folder = await temporaryFolder();
  const stop = new AbortController();
  const written: string[][] = [];
  const stopped = analyse({
    encoders: [{ name: "A", run: await writeEncoder(join(folder, "run"), 3) }],
    photos: {
      kind: "folder",
      path: await writeScenes(join(folder, "set"), alike, { train: 12, test: 6 }),
      masks: null,
    },
    only: ["alignment", "rank", "robustness"],
    cache: join(folder, "cache"),
    signal: stop.signal,
    onMeasured: async ({ outcomes }) => void written.push(outcomes.map(({ name }) => name)),
    report: (event) => {
      if (event.kind === "progress" && event.what === "robustness") stop.abort();
    },
  });
  await expect(stopped).rejects.toThrow(InterruptedError);
  expect(written).toEqual([["alignment"], ["alignment", "rank"]]);
});

it("draws the embedded set where there are no photos, and looks at each kind of network untrained", async () => {
  const folder = await temporaryFolder();
  const drawn = join(folder, "drawn");
  const analysis = await analyse({
    encoders: [
      { name: "A", run: await writeEncoder(join(folder, "a"), 3) },
      { name: "B", run: await writeEncoder(join(folder, "b"), 4) },
      { name: "filtered", run: await writeEncoder(join(folder, "filtered"), 5, "high-pass") },
    ],
    photos: { kind: "embedded", folder: drawn },
    counts: { train: 20, test: 10 },
    only: ["rank"],
    cache: join(folder, "cache"),
  });
  expect(analysis.photos).toMatchObject({
    path: join(drawn, "test"),
    learned: 20,
    scored: 10,
    hasMasks: true,
  });
  expect(analysis.photos.classes).toHaveLength(10);
  expect(analysis.encoders.map(({ name, run, fill }) => [name, run === null, fill])).toEqual([
    ["random initialisation", true, "none"],
    ["random initialisation, as filtered", true, "high-pass"],
    ["A", false, "none"],
    ["B", false, "none"],
    ["filtered", false, "high-pass"],
  ]);
});

it.each([
  ["twice", ["A", "a"]],
  ["without a letter", ["!"]],
  ["of the untrained", ["Random initialisation"]],
])("refuses a name %s", async (_, names) => {
  const folder = await temporaryFolder();
  const run = await writeEncoder(join(folder, "run"), 3);
  const asked = analyse({
    encoders: names.map((name) => ({ name, run })),
    photos: { kind: "embedded", folder: join(folder, "drawn") },
  });
  await expect(asked).rejects.toMatchObject({ code: "bad-name", exitCode: 2 });
});
