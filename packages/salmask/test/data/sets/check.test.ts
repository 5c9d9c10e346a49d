import { join } from "node:path";
import { expect, test } from "vitest";
import { checkSet } from "../../../src/data/sets/check.js";
import { temporaryFolder } from "../../support/photos.js";
import { writeCifar10 } from "./cifar.fixture.js";
import { empty, writeAll } from "./fixtures.js";

const stopped = AbortSignal.abort();

test("an interrupt ends it", async () => {
  const cifar = await writeCifar10(await temporaryFolder(), { perFile: 10 });
  await expect(checkSet(cifar, { photos: true, signal: stopped })).rejects.toMatchObject({
    code: "interrupted",
  });
  const voc = await temporaryFolder();
  const xml = "<annotation><size><width>4</width><height>4</height></size></annotation>";
  await writeAll(voc, { ...empty("JPEGImages/a.jpg"), "Annotations/a.xml": xml });
  await expect(checkSet(voc, { signal: stopped })).rejects.toMatchObject({ code: "interrupted" });
});

test("reports progress where it looks at photos", async () => {
  const root = await writeCifar10(await temporaryFolder(), { perFile: 10 });
  const seen: unknown[] = [];
  await checkSet(root, { photos: true, report: (event) => seen.push(event) });
  expect(seen).toHaveLength(60);
  expect(seen[49]).toEqual({ kind: "progress", what: "looking at the photos of train", done: 50, total: 50 });
});

test("counts photos without a class beside the splits", async () => {
  const root = join(await temporaryFolder(), "stl10_binary");
  const photo = Buffer.alloc(3 * 96 * 96);
  const ten = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const photos = Buffer.concat(new Array<Buffer>(10).fill(photo));
  await writeAll(root, {
    "train_X.bin": photos,
    "train_y.bin": ten,
    "test_X.bin": photos,
    "test_y.bin": ten,
    "unlabeled_X.bin": Buffer.concat([photo, photo, photo]),
  });
  expect(await checkSet(root)).toMatchObject({
    name: "stl-10",
    unlabelled: 3,
    splits: [
      {
        name: "train",
        photos: 10,
        official: 5000,
        perClass: { least: 1, median: 1, most: 1 },
        objects: null,
      },
      { name: "test", photos: 10, official: 8000 },
    ],
    faults: { total: 0, counts: {}, first: [] },
  });
});
