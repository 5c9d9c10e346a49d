import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { salmask } from "../support/command-line.js";
import { smallSettings, temporaryFolder } from "../support/photos.js";
import { writeClasses, writeRun } from "../transfer/made.js";

it("makes a table of runs and sets from options, as text and as JSON", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeRun(at("run"), 3);
  await writeClasses(at("noise"), { train: 12, test: 9 });
  const given = [
    `Mine=${at("run")}`,
    "--to",
    at("noise"),
    "--out",
    at("out"),
    "--cache",
    at("cache"),
    "--seeds",
    "4",
  ];
  const said = await salmask("transfer", ...given, "--measures", "knn", "--labels", "2,all");
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(said.out).toMatch(/^1 of 4 {2}noise, probe, random initialisation, seed 4: kNN \d/);
  expect(said.out).toContain("| row | kNN 2 per class | kNN |");
  expect(said.out).toContain("In percent. Seed 4 alone: there are no intervals.");
  expect(readFileSync(at("out/table.md"), "utf8")).toContain("| Mine | ");

  const json = await salmask(
    "transfer",
    ...given,
    "--measures",
    "knn",
    "--labels",
    "2,all",
    "--no-random",
    "--json",
  );
  const table = JSON.parse(json.out);
  expect(table).toMatchObject({ out: at("out"), done: 2, total: 2, failures: [] });
  expect(table.rows.map(({ name }: { name: string }) => name)).toEqual(["Mine"]);
  expect(json.err.match(/done before/g)).toHaveLength(2);
});

it.each<[string, readonly string[], string]>([
  ["no set", [], "sets: expected at least one set"],
  ["a folder that is not there", ["--to", "nowhere"], "nowhere: expected the set's folder at"],
  ["a wrong seed", ["--seeds", "1,x"], "for --seeds"],
  ["an unknown measure", ["--measures", "svm"], "for --measures"],
  ["wrong labels", ["--labels", "few"], "for --labels"],
  ["a setting without a group", ["--setting", "epochs=3"], "for --setting"],
  ["an unknown setting", ["--to", ".", "--setting", "finetune.epoch=3"], "Did you mean epochs?"],
  [
    "a setting out of range",
    ["--to", ".", "--setting", "detect.train.epochs=0"],
    "a whole number from 1 for train.epochs",
  ],
  [
    "a setting of no set",
    ["--to", ".", "--setting", "other:finetune.epochs=3"],
    "expected the name of a set",
  ],
  ["a plan that is not there", ["--plan", "nowhere.yaml"], "a transfer plan's YAML file at nowhere.yaml"],
])("refuses %s before anything is started", async (_, options, fault) => {
  const folder = await temporaryFolder();
  const out = join(folder, "out");
  const said = await salmask("transfer", folder, ...options, "--out", out);
  expect(said).toMatchObject({ code: 2, err: expect.stringContaining(fault) });
  expect(existsSync(out)).toBe(false);
});

it("measures the rows of an experiment, and refuses its sets before it trains", {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeClasses(at("photos"), { train: 24, test: 12 });
  await writeClasses(at("noise"), { train: 12, test: 9 });
  const path = at("experiment.yaml");
  const experiment = {
    ...{ name: "tiny", photos: "photos/train", probe: "photos", seeds: [0] },
    base: { ...smallSettings, train: { ...smallSettings.train, epochs: 1 } },
    rows: [{ name: "plain", set: { "mask.fill": "none" } }],
    transfer: { measures: ["knn"], sets: [{ name: "Noise" }] },
  };
  await writeFile(path, stringify(experiment));
  const refused = await salmask("experiment", path, "--out", at("out"));
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringContaining("Noise: expected its folder, got none"),
  });
  const empty = await salmask("experiment", path, "--out", at("out"), "--to", `Noise=${at("out")}`);
  expect(empty.code).toBe(2);
  expect(existsSync(at("out/plain"))).toBe(false);

  const done = await salmask(
    "experiment",
    path,
    "--out",
    at("out"),
    "--to",
    `Noise=${at("noise")}`,
    "--json",
  );
  expect(done.code).toBe(0);
  const { transfer } = JSON.parse(done.out);
  expect(transfer).toMatchObject({ name: "tiny: transfer", done: 2, total: 2, failures: [] });
  expect(
    transfer.rows.map(({ name, isOneRun }: { name: string; isOneRun: boolean }) => [name, isOneRun]),
  ).toEqual([
    ["random initialisation", false],
    ["plain", false],
  ]);
  expect(existsSync(at("out/transfer/noise/probe/plain/seed-0/cell.json"))).toBe(true);
});
