import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { columnsOf } from "../../src/transfer/columns.js";
import { readTransferPlan } from "../../src/transfer/plan.js";
import { openTransferSet, type TransferSet } from "../../src/transfer/sets.js";
import { openSets } from "../../src/transfer/transfer.js";
import { empty, writeAll } from "../data/sets/fixtures.js";
import { temporaryFolder } from "../support/photos.js";
import { writeRun } from "./made.js";

const xml =
  "<annotation><filename></filename><size><width>12</width><height>10</height><depth>3</depth></size><object><name>cat</name>" +
  "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>6</xmax><ymax>8</ymax></bndbox></object></annotation>";

/** A year of PASCAL VOC with photos by lists, whose pixels nobody reads. */
async function writeYear(
  root: string,
  year: string,
  lists: Record<string, readonly string[]>,
): Promise<void> {
  const files: Record<string, string> = {};
  for (const [name, ids] of Object.entries(lists)) {
    files[`ImageSets/Main/${name}.txt`] = ids.join("\n");
    for (const id of ids) {
      files[`Annotations/${id}.xml`] = xml;
      Object.assign(files, empty(`JPEGImages/${id}.jpg`));
    }
  }
  await writeAll(join(root, year), files);
}

/** Class folders with photos that nobody reads. */
async function writeFolders(root: string, ...splits: string[]): Promise<void> {
  for (const split of splits)
    await writeAll(root, empty(`${split}/a/1.jpg`, `${split}/a/2.jpg`, `${split}/b/1.jpg`));
}

/** Opens a set as a plan's file names it. */
async function open(photos: string, entry: object = {}, plan: object = {}): Promise<TransferSet> {
  const folder = await temporaryFolder();
  const path = join(folder, "plan.yaml");
  await writeFile(path, stringify({ ...plan, sets: [{ name: "S", photos, ...entry }] }));
  const [set] = readTransferPlan(path, { runs: [folder] }).sets;
  return openTransferSet(set, { folder: join(folder, "sets"), report: () => {} });
}

const titles = (set: TransferSet) => columnsOf([set]).map(({ title }) => title);

describe("a set with boxes", () => {
  it("is learned from in the parts that are named, and scored by VOC's measure too where it is VOC", async () => {
    const root = await temporaryFolder();
    await writeYear(root, "VOC2007", { trainval: ["1", "2"], val: ["2"], test: ["3"] });
    await writeYear(root, "VOC2012", { trainval: ["1"] });
    const parts = { train: ["VOC2007 trainval", "VOC2012 trainval"], scored: "VOC2007 test" };
    const set = await open(root, parts);
    if (set.kind !== "objects") throw new Error("expected objects");
    expect(set.train.photos.map(({ name }) => name)).toEqual([
      ...["VOC2007/JPEGImages/1.jpg", "VOC2007/JPEGImages/2.jpg", "VOC2012/JPEGImages/1.jpg"],
    ]);
    expect(set.scored.photos.map(({ name }) => name)).toEqual(["JPEGImages/3.jpg"]);
    expect(titles(set)).toEqual([
      ...["AP", "AP50", "AP75", "VOC07 AP", "VOC07 AP50", "VOC07 AP75", "VOC AP50"],
    ]);
    const usual = await open(root);
    expect(usual.kind === "objects" && usual.scored.photos).toHaveLength(1);
    await expect(open(root, { ...parts, scored: "VOC2007 val" })).rejects.toMatchObject({
      code: "shared-photos",
      message: expect.stringContaining("got 1 that are both"),
    });
    await expect(open(root, { measures: ["knn"] })).rejects.toMatchObject({ code: "no-measure" });
    await expect(open(root, { scored: "VOC2012 test" })).rejects.toMatchObject({ code: "no-such-split" });
    await expect(open(root, { is: "coco" })).rejects.toMatchObject({ code: "other-set" });
    const masks = { detect: { "detection.masks": true } };
    await expect(open(root, masks)).rejects.toMatchObject({ code: "no-mask" });
    // Another photo to learn from is another question.
    const before = (await set.identity(0)).photos;
    await writeYear(root, "VOC2012", { trainval: ["1", "9"] });
    const more = await open(root, parts);
    expect((await more.identity(0)).photos).not.toBe(before);
    // So is another file by the same name.
    const { photos, files } = await more.identity(0);
    await writeAll(join(root, "VOC2012"), { "JPEGImages/9.jpg": "larger" });
    const larger = await (await open(root, parts)).identity(0);
    expect(larger.photos).toBe(photos);
    expect(larger.files).not.toBe(files);
  });

  it("has columns of masks where they are asked for", async () => {
    const root = await temporaryFolder();
    const square = [1, 1, 5, 1, 5, 5, 1, 5];
    for (const split of ["train", "val"]) {
      const of = { id: 1, image_id: 1, category_id: 1, iscrowd: 0, bbox: [1, 1, 4, 4], area: 16 };
      const instances = {
        images: [{ id: 1, file_name: "1.jpg", width: 12, height: 10 }],
        annotations: [{ ...of, segmentation: [square] }],
        categories: [{ id: 1, name: "cat" }],
      };
      const file = `annotations/instances_${split}.json`;
      await writeAll(root, { ...empty(`${split}/1.jpg`), [file]: JSON.stringify(instances) });
    }
    expect(titles(await open(root))).toEqual(["AP", "AP50", "AP75"]);
    const masks = await open(root, { detect: { "detection.masks": true } });
    expect(titles(masks)).toEqual(["AP", "AP50", "AP75", "mask AP", "mask AP50", "mask AP75"]);
  });
});

describe("a set with classes", () => {
  it("is scored on the wanted split, and measured as its kind allows", async () => {
    const root = await temporaryFolder();
    await writeFolders(root, "train", "valid", "test");
    const [usual, other] = [await open(root), await open(root, { scored: "validation" })];
    expect([usual, other].map((set) => set.kind === "classes" && set.scored)).toEqual(["test", "validation"]);
    expect((await usual.identity(0)).photos).not.toBe((await other.identity(0)).photos);
    expect(titles(usual)).toEqual(["kNN", "linear"]);
    const all = {
      measures: ["finetune", "linear", "detect"],
      labels: ["1%", "all"],
      accuracy: "mean-per-class",
    };
    const { accuracy, ...everywhere } = all;
    expect(titles(await open(root, { accuracy }, everywhere))).toEqual([
      ...["linear class mean 1%", "finetune class mean 1%", "linear class mean", "finetune class mean"],
    ]);
    await expect(open(root, all)).rejects.toMatchObject({ code: "no-measure" });
    await expect(open(root, { train: "train" })).rejects.toMatchObject({ code: "no-effect" });
    await expect(open(root, { scored: "val" })).rejects.toMatchObject({ code: "no-such-split" });
  });

  it("draws a split anew for each seed where it has none, and reads the same in each", async () => {
    const root = await temporaryFolder();
    const names = Array.from({ length: 12 }, (_, i) => `${i}.jpg`);
    for (const name of ["a", "b"]) await writeAll(root, empty(...names.map((file) => `${name}/${file}`)));
    const set = await open(root);
    expect(await set.identity(1)).toEqual(await set.identity(1));
    expect((await set.identity(1)).photos).not.toBe((await set.identity(2)).photos);
  });

  it("is another one where the photos have the same names and other sizes, but not where they are a copy", async () => {
    const [small, large, copy] = await Promise.all([1, 2, 3].map(() => temporaryFolder()));
    for (const root of [small, large, copy]) await writeFolders(root, "train", "test");
    await writeAll(large, { "test/b/1.jpg": "of 320 px" });
    const [first, other, same] = await Promise.all(
      [small, large, copy].map(async (root) => (await open(root)).identity(0)),
    );
    expect(other).toEqual({ photos: first.photos, files: expect.not.stringMatching(first.files) });
    expect(same).toEqual(first);
  });
});

it("reports what is wrong with all sets, runs and references at once", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeFolders(at("good"), "train", "test");
  await writeFolders(at("trainless"), "test");
  await mkdir(at("empty"));
  await writeRun(join(at("some"), "seed-0"), 1);
  const plan = {
    seeds: [0, 1],
    runs: [
      { name: "some", run: at("some") },
      { name: "none", run: at("none") },
    ],
    measures: ["knn"],
    sets: [
      { name: "good", photos: at("good"), reference: { lineal: { some: 3 } } },
      { name: "trainless", photos: at("trainless") },
      { name: "empty", photos: at("empty") },
    ],
  };
  await writeFile(at("plan.yaml"), stringify(plan));
  const opening = openSets({ plan: readTransferPlan(at("plan.yaml")), out: at("out") });
  for (const fault of [
    "some, seed 1: Expected a run's folder",
    "none, seed 0: Expected a run's folder",
    "good: reference: expected one of the columns kNN, linear, finetune, got lineal",
    "trainless: Expected a labelled data set",
    "empty: Expected class folders",
  ])
    await expect(opening).rejects.toThrow(fault);
  await expect(opening).rejects.toMatchObject({ code: "bad-plan", exitCode: 2 });
  const detect = readTransferPlan(at("plan.yaml"), { measures: ["knn", "detect"], only: ["good"] });
  const withoutReference = { ...detect, sets: detect.sets.map((set) => ({ ...set, reference: {} })) };
  await expect(openSets({ plan: withoutReference, out: at("out"), mayLackRuns: true })).rejects.toThrow(
    "measures: expected a set that detect can be measured on, got none",
  );
});
