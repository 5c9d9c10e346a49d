import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSource } from "../../../src/data/sources/source.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { temporaryFolder } from "../../support/photos.js";
import { openLabelled, told, writeAll } from "./fixtures.js";

const classes = "airplane bird car cat deer dog horse monkey ship truck".split(" ");

const pixel = (photo: number, channel: number, y: number, x: number) =>
  (40 * photo + 90 * channel + 2 * y + 5 * x) % 256;

/** Photos as the set stores them: a plane a channel, a column after another. */
function photos(count: number, from: number): Buffer {
  const bytes: number[] = [];
  for (let photo = from; photo < from + count; photo++)
    for (let channel = 0; channel < 3; channel++)
      for (let x = 0; x < 96; x++) for (let y = 0; y < 96; y++) bytes.push(pixel(photo, channel, y, x));
  return Buffer.from(bytes);
}

async function write(more: Record<string, string | Buffer> = {}): Promise<string> {
  const root = join(await temporaryFolder(), "stl10_binary");
  await writeAll(root, {
    "train_X.bin": photos(4, 0),
    "train_y.bin": Buffer.from([2, 10, 1, 2]),
    "test_X.bin": photos(2, 4),
    "test_y.bin": Buffer.from([3, 4]),
    "class_names.txt": classes.join("\n"),
    ...more,
  });
  return root;
}

test("labels count from 1, names come from the set", async () => {
  const { set, faults } = await openLabelled(await write());
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "stl-10", classes, unlabelled: 0 });
  expect(set.splits.train?.map(({ label }) => classes[label])).toEqual(["bird", "truck", "airplane", "bird"]);
  expect(set.splits.test?.map(({ label }) => classes[label])).toEqual(["car", "cat"]);
});

test("pixels lie in columns", async () => {
  const root = await write();
  const { set } = await openLabelled(root);
  const packed = await openDataset(set.source("test"), { size: 96, cacheDir: join(root, "../cache") });
  try {
    using images = packed.images([1]); // [1, 3, 96, 96]
    const found = images.toTypedArray();
    for (const [channel, y, x] of [
      [0, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
      [2, 95, 3],
      [1, 17, 64],
    ]) {
      expect(Number(found[(channel * 96 + y) * 96 + x])).toBe(pixel(5, channel, y, x));
    }
    expect([...packed.labels]).toEqual([2, 3]);
  } finally {
    packed.close();
  }
});

test("given as photos, it is those without labels; where there are none, those to learn from", async () => {
  const count = async (root: string) => (await openSource(root)).expected;
  const root = await write();
  expect(await count(root)).toBe(4);
  await writeFile(join(root, "unlabeled_X.bin"), photos(3, 10));
  expect(await count(root)).toBe(3);
  expect((await openLabelled(root)).set.unlabelled).toBe(3);
  const source = await openSource(root);
  expect(source.labels?.classes).toEqual([]);
});

test("takes one fold of the training photos", async () => {
  const root = await write({ "fold_indices.txt": "0 3 \n2 1 \n" });
  const { set } = await openLabelled(root, { fold: 1 });
  expect(set.splits.train?.map(({ name }) => name)).toEqual(["train_X.bin/000001", "train_X.bin/000002"]);
  expect(set.official?.splits.train.photos).toBe(1000);
  await expect(openLabelled(root, { fold: 2 })).rejects.toMatchObject({
    code: "no-such-fold",
    message: expect.stringContaining("0 to 1"),
  });
  await expect(openLabelled(await write(), { fold: 0 })).rejects.toMatchObject({
    message: expect.stringContaining("which has no"),
  });
});

test("reports missing and cut files, labels of no class, folds of no photo", async () => {
  const root = await write({
    "train_y.bin": Buffer.from([0, 11, 1]),
    "test_X.bin": photos(2, 0).subarray(1),
    "fold_indices.txt": "0 9",
  });
  const { faults } = await openLabelled(root);
  expect(told(faults)).toEqual([
    "bad-file: train_y.bin",
    "bad-split: fold_indices.txt line 1",
    "bad-file: test_X.bin",
    "bad-file: test_y.bin",
    "bad-label: train_X.bin/000000",
    "bad-label: train_X.bin/000001",
  ]);
});
