import { readdirSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSettings } from "../../src/config/load.js";
import { detectSettings } from "../../src/tasks/detect/settings.js";
import { type GivenPlan, readTransferPlan } from "../../src/transfer/plan.js";
import { temporaryFolder } from "../support/photos.js";

/** A folder with some empty folders in it, and a plan's file. */
async function written(text: string, ...folders: string[]): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder();
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  const path = join(folder, "plan.yaml");
  await writeFile(path, text);
  return { folder, path };
}

describe("a plan's file", () => {
  it("says for each set what holds there, over what holds everywhere", async () => {
    const { folder, path } = await written(
      `
name: two sets
seeds: [3, 4]
runs: [{ name: MoCo v2, run: runs/moco }]
labels: [1%, all]
finetune: { epochs: 7, lr: 0.1 }
detect: { train: { epochs: 2 }, detection.masks: true }
sets:
  - { name: CIFAR-10, photos: cifar, measures: [finetune], labels: [5], finetune: { lr: 0.3 } }
  - name: scenes
    photos: scenes
    detect: { train.lr: 0.5, detection: { design: c4 } }
    train: [a, b]
    scored: c
`,
      ...["cifar", "scenes"],
    );
    const plan = readTransferPlan(path);
    expect(plan).toMatchObject({
      name: "two sets",
      seeds: [3, 4],
      random: true,
      rows: [{ name: "MoCo v2", slug: "moco-v2", run: join(folder, "runs/moco") }],
    });
    const [cifar, scenes] = plan.sets;
    expect(cifar).toMatchObject({
      slug: "cifar-10",
      photos: { kind: "folder", path: join(folder, "cifar") },
      measures: { names: ["finetune"], ofSet: true },
      labels: ["5"],
      finetune: { epochs: 7, lr: 0.3 },
    });
    expect(scenes).toMatchObject({
      measures: null,
      labels: ["1%", "all"],
      train: ["a", "b"],
      scored: ["c"],
      detect: { train: { epochs: 2, lr: 0.5 }, detection: { masks: true, design: "c4" } },
      finetune: { epochs: 7, lr: 0.1 },
    });
  });

  it("is the same plan as options make", async () => {
    const { folder, path } = await written(
      `
seeds: [1]
runs: [{ name: a, run: a }, { name: named, run: b }]
measures: [knn, detect]
labels: [10%]
random: false
detect: { train: { epochs: 3 } }
sets:
  - { name: x, photos: x, finetune: { epochs: 9 } }
  - { name: why, photos: y, detect: { detection: { shortSides: [64, 96] } } }
`,
      ...["x", "y"],
    );
    const given: GivenPlan = {
      runs: [join(folder, "a"), `named=${join(folder, "b")}`],
      to: [join(folder, "x"), `why=${join(folder, "y")}`],
      ...{ seeds: [1], measures: ["knn", "detect"], labels: ["10%"], random: false },
      settings: [
        { set: null, group: "detect", key: "train.epochs", value: 3 },
        { set: "x", group: "finetune", key: "epochs", value: 9 },
        { set: "Why", group: "detect", key: "detection.shortSides", value: [64, 96] },
      ],
    };
    expect(readTransferPlan(null, given)).toEqual(readTransferPlan(path));
  });

  it("takes folders of its sets from the command line, by name or where one alone waits", async () => {
    const { folder, path } = await written("sets: [{ name: A b }, { name: C }]", "one", "two", "three");
    const at = (name: string) => join(folder, name);
    const runs = ["r"];
    const read = (...to: string[]) =>
      readTransferPlan(path, { runs, to }).sets.map(({ name, photos }) => [name, photos]);
    const set = (name: string, folder: string) => [name, { kind: "folder", path: at(folder) }];
    expect(read(`a-b=${at("one")}`, at("two"))).toEqual([set("A b", "one"), set("C", "two")]);
    expect(read(`C=${at("two")}`, at("one"), at("three"))).toEqual([
      set("A b", "one"),
      set("C", "two"),
      set("three", "three"),
    ]);
    expect(() => read(at("one"))).toThrow(/expected the set's name, as --to NAME=DIR, one of A b, C/);
    const only = readTransferPlan(path, { runs, only: ["c"], to: [`C=${at("two")}`] });
    expect(only.sets.map(({ name }) => name)).toEqual(["C"]);
  });

  it("reports all faults at once, and skips no set silently", async () => {
    const { folder, path } = await written(
      `
seeds: [1, 1]
runs: [{ name: a, run: a }, { name: A, run: b }, { name: Random initialisation, run: c }]
finetune: { epoch: 3 }
detect: { seed: 4 }
sets:
  - { name: here, photos: here }
  - { name: gone, photos: gone }
  - { name: nowhere }
`,
      "here",
    );
    const settings = [{ set: "her", group: "detect", key: "train.epochs", value: 3 }] as const;
    const faults = [
      'runs: expected a name of its own, got "A" twice',
      "runs: expected another name than random initialisation",
      "seeds: expected each once",
      'here: finetune: Expected the name of a setting, got "epoch". Did you mean epochs?',
      "here: detect.seed: the table sets it for each cell",
      `gone: expected the set's folder at ${join(folder, "gone")}, got nothing there`,
      'nowhere: expected its folder, got none; give it as --to "nowhere=DIR"',
      'settings: expected the name of a set, got "her"',
      '--only: expected some of the sets here, gone, nowhere, got "else"',
    ];
    const reading = () => readTransferPlan(path, { settings, only: ["here", "gone", "nowhere", "else"] });
    for (const fault of faults) expect(reading).toThrow(fault);
    expect(reading).toThrow(expect.objectContaining({ code: "bad-plan", exitCode: 2 }));
  });

  it.each([
    ["sets: [{ name: a, measure: [knn] }]", "sets.0: Unrecognized key"],
    ["sets: [{ name: a, labels: [some] }]", "sets.0.labels.0: expected all, a share such as 10%"],
    ["measures: [svm]", "measures.0: Invalid option"],
    ["sets: []", "sets: expected at least one set to measure on"],
    ["sets: []", "runs: expected at least one run's folder"],
  ])("refuses %s", async (text, fault) => {
    const { path } = await written(text);
    expect(() => readTransferPlan(path)).toThrow(fault);
  });
});

describe("the plans in the repository", () => {
  const root = resolve(import.meta.dirname, "../../../../experiments");
  const files = readdirSync(root).filter((name) => /^transfer-.*\.yaml$/.test(name));

  it("are those of the paper's sets, and one for small runs", () => {
    expect(files.map((name) => basename(name, ".yaml")).sort()).toEqual([
      ...["transfer-coco", "transfer-linear", "transfer-small", "transfer-voc"],
    ]);
  });

  it.each(files)("%s can be carried out, and names the sets that are missing", async (name) => {
    const folder = await temporaryFolder();
    const path = join(root, name);
    const missing = [
      ...messageOf(() => readTransferPlan(path, { runs: [folder] })).matchAll(/give it as --to "(.+)=DIR"/g),
    ];
    expect(missing.length).toBeGreaterThan(0);
    const to = missing.map(([, set]) => `${set}=${folder}`);
    const { sets } = readTransferPlan(path, { runs: [folder], to });
    expect(sets.length).toBeGreaterThanOrEqual(missing.length);
  });

  it("have MoCo's recipe for VOC, on the parts that it names", async () => {
    const folder = await temporaryFolder();
    const given = { runs: [folder], to: [folder] };
    const [voc] = readTransferPlan(join(root, "transfer-voc.yaml"), given).sets;
    expect([voc.train, voc.scored]).toEqual([["VOC2007 trainval", "VOC2012 trainval"], ["VOC2007 test"]]);
    expect(voc.detect).toEqual(loadSettings(detectSettings, {}, { preset: "voc" }));
  });

  it("has the recipe for COCO of the preset", async () => {
    const folder = await temporaryFolder();
    const given = { runs: [folder], to: [folder] };
    const [coco] = readTransferPlan(join(root, "transfer-coco.yaml"), given).sets;
    expect(coco.detect).toEqual(loadSettings(detectSettings, {}, { preset: "coco" }));
  });
});

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("expected it to fail");
}
