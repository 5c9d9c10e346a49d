import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDataset } from "../../../src/data/store/dataset.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";
import { empty, openLabelled, perClass, told, writeAll } from "./fixtures.js";

/** Names of photos, `counts[i]` of the class `i`, below a folder. */
const photosIn = (folder: string, counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, i) => `${folder}${name}/${i}.jpg`),
  );

const write = async (...names: string[]): Promise<string> => {
  const root = await temporaryFolder();
  await writeAll(root, empty(...names));
  return root;
};

test.each([
  ["val", "validation"],
  ["valid", "validation"],
  ["validation", "validation"],
  ["test", "test"],
] as const)("opens train and %s", async (folder, split) => {
  const root = await write(...photosIn("train/", { b: 3, a: 2 }), ...photosIn(`${folder}/`, { a: 1, b: 1 }));
  const { set, faults } = await openLabelled(root);
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "class-folders", path: root, classes: ["a", "b"], unused: [] });
  expect(Object.keys(set.splits)).toEqual(["train", split]);
  expect(set.diskNames).toEqual({ train: "train", [split]: folder });
  expect(perClass(set, "train")).toEqual({ a: 2, b: 3 });
  expect(set.splits[split]).toEqual([
    { name: `${folder}/a/0.jpg`, label: 0 },
    { name: `${folder}/b/0.jpg`, label: 1 },
  ]);
  expect(set.source("train").path).toBe(join(root, "train"));
});

test("opens any splits that are there, and says which folders it does not use", async () => {
  const all = await write(
    ...["test", "valid", "val"].flatMap((name) => photosIn(`${name}/`, { a: 1, b: 1 })),
  );
  const { set } = await openLabelled(all);
  expect(Object.keys(set.splits)).toEqual(["validation", "test"]);
  expect(set).toMatchObject({ diskNames: { validation: "val" }, unused: ["valid"] });
  await rm(join(all, "val"), { recursive: true });
  expect((await openLabelled(all)).set.diskNames.validation).toBe("valid");
});

test("photos outside a class's folder are a fault of their split, and are left out", async () => {
  const root = await write(...photosIn("train/", { a: 2, b: 2 }), "test/0.jpg", "test/1.jpg");
  const { set, faults } = await openLabelled(root);
  expect(told(faults)).toEqual(["no-class: test"]);
  expect(faults.first[0].message).toContain("got 2 that are in none, such as 0.jpg");
  expect(set.splits.test).toEqual([]);
});

test("splits class folders without a split by the seed, a share of each class", async () => {
  const counts = { a: 10, b: 5, c: 2, d: 1 };
  const root = await write(...photosIn("", counts), "notes.txt");
  const { set, faults } = await openLabelled(root, { seed: 3 });
  expect(faults.total).toBe(0);
  expect(perClass(set, "test")).toEqual({ a: 2, b: 1, c: 1 });
  expect(perClass(set, "train")).toEqual({ a: 8, b: 4, c: 1, d: 1 });
  expect(set.notes).toEqual(["drawn with seed 3: 20 % of each class are the test split"]);
  const namesOf = (of: typeof set, split: "train" | "test") =>
    of.splits[split]?.map(({ name }) => name) ?? [];
  const all = [...namesOf(set, "train"), ...namesOf(set, "test")];
  expect(all.sort()).toEqual(photosIn("", counts).sort());
  const again = await openLabelled(root, { seed: 3 });
  expect(again.set.splits).toEqual(set.splits);
  const other = await openLabelled(root, { seed: 4 });
  expect(other.set.splits).not.toEqual(set.splits);
  const half = await openLabelled(root, { seed: 3, heldOut: 0.5 });
  expect(perClass(half.set, "test")).toEqual({ a: 5, b: 3, c: 1 });
  // A seed decides an order, of which the first are learned from: less is learned from a part of the same photos.
  expect(namesOf(half.set, "test")).toEqual(expect.arrayContaining(namesOf(set, "test")));
});

test("every photo of a class is drawn about as often", async () => {
  const root = await write(...photosIn("", { a: 5, b: 5 }));
  const drawn = new Map<string, number>();
  for (let seed = 0; seed < 200; seed++) {
    const { set } = await openLabelled(root, { seed });
    for (const { name } of set.splits.test ?? []) drawn.set(name, (drawn.get(name) ?? 0) + 1);
  }
  // 40 are expected of each of ten, with a standard deviation of 5.7.
  expect(drawn.size).toBe(10);
  for (const times of drawn.values()) expect(Math.abs(times - 40)).toBeLessThan(23);
});

test.each([0, 1, Number.NaN])("refuses a share of %d", async (heldOut) => {
  const root = await write(...photosIn("", { a: 2, b: 2 }));
  await expect(openLabelled(root, { heldOut })).rejects.toMatchObject({ code: "bad-share", exitCode: 2 });
});

test("says what it knows where a folder is none of it", async () => {
  const root = await write("a.jpg", "b.jpg");
  await expect(openLabelled(root)).rejects.toMatchObject({
    code: "unknown-set",
    message: expect.stringMatching(/class folders.*COCO.*a folder with a.jpg, b.jpg/),
  });
  await mkdir(join(root, "empty"));
  await expect(openLabelled(join(root, "empty"))).rejects.toMatchObject({ code: "unknown-set" });
  await expect(openLabelled(join(root, "gone"))).rejects.toMatchObject({ code: "missing-set" });
  await expect(openLabelled(join(root, "a.jpg"))).rejects.toMatchObject({ code: "missing-set" });
});

test("packed, photos have the labels of the set, in a drawn split too", async () => {
  const root = await temporaryFolder();
  await writePhotos(root, 20, 8, ["red", "blue"]);
  const { set } = await openLabelled(root, { heldOut: 0.3 });
  const packed = await openDataset(set.source("train"), { size: 8, cacheDir: join(root, ".cache") });
  try {
    expect(packed.classes).toEqual(["blue", "red"]);
    expect(packed.length).toBe(14);
    expect([...packed.labels]).toEqual(packed.names.map((name) => Number(name.startsWith("red"))));
    expect(packed.names).toEqual(set.splits.train?.map(({ name }) => name));
  } finally {
    packed.close();
  }
});

test.runIf(hasShared("cifar10-jpg"))("opens CIFAR-10 as JPEGs", async () => {
  const { set, faults } = await openLabelled(
    await unpackShared("cifar10-jpg", ["*/test/*", "*/train/*/1*.jpg"]),
  );
  expect(faults.total).toBe(0);
  expect(set.classes).toHaveLength(10);
  expect(set.splits.test).toHaveLength(10_000);
  expect(Object.values(perClass(set, "test"))).toEqual(new Array(10).fill(1000));
});
