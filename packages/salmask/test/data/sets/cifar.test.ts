import { appendFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSet } from "../../../src/data/sets/registry.js";
import { openSource } from "../../../src/data/sources/source.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { temporaryFolder } from "../../support/photos.js";
import { cifarPixel, cifarRecords, writeCifar10 } from "./cifar.fixture.js";
import { openLabelled, perClass, told, writeAll } from "./fixtures.js";

const names100 = Array.from({ length: 100 }, (_, i) => `kind ${String(i).padStart(2, "0")}`);

async function writeCifar100(): Promise<string> {
  const root = await temporaryFolder();
  // A record begins with one of 20 coarse classes, then one of 100.
  await writeAll(root, {
    "train.bin": cifarRecords([
      [3, 42],
      [0, 99],
    ]),
    "test.bin": cifarRecords([[19, 7]]),
    "fine_label_names.txt": `${names100.join("\n")}\n`,
    "coarse_label_names.txt": "coarse\n",
  });
  return root;
}

test("CIFAR-10: labels, names and counts", async () => {
  const root = await writeCifar10(await temporaryFolder(), { perFile: 4 });
  const { set, faults } = await openLabelled(root);
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({
    name: "cifar-10",
    path: root,
    official: { splits: { train: { photos: 50_000 } } },
  });
  expect(set.classes).toHaveLength(10);
  expect(set.splits.train).toHaveLength(20);
  expect(set.splits.train?.slice(0, 5)).toEqual([
    { name: "data_batch_1.bin/000000", label: 0 },
    { name: "data_batch_1.bin/000001", label: 1 },
    { name: "data_batch_1.bin/000002", label: 2 },
    { name: "data_batch_1.bin/000003", label: 3 },
    { name: "data_batch_2.bin/000000", label: 4 },
  ]);
  expect(perClass(set, "test")).toEqual({ airplane: 1, automobile: 1, bird: 1, cat: 1 });
});

test("CIFAR-100: the fine label counts", async () => {
  const { set, faults } = await openLabelled(await writeCifar100());
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "cifar-100", classes: names100 });
  expect(set.splits).toMatchObject({ train: [{ label: 42 }, { label: 99 }], test: [{ label: 7 }] });
});

test.each(["CIFAR-10", "CIFAR-100"])("%s: pixels are packed exactly, with their labels", async (title) => {
  const folder = await temporaryFolder();
  const root = title === "CIFAR-10" ? await writeCifar10(folder, { perFile: 2 }) : await writeCifar100();
  const { set } = await openLabelled(root);
  const packed = await openDataset(set.source("train"), { size: 32, cacheDir: join(folder, "cache") });
  try {
    expect([...packed.labels]).toEqual(set.splits.train?.map(({ label }) => label));
    expect(packed.classes).toEqual(set.classes);
    expect(packed.originalSizes.every((side) => side === 32)).toBe(true);
    using images = packed.images([packed.length - 1]); // [1, 3, 32, 32]
    // The second record of its file in either set.
    const expected = Array.from({ length: 3072 }, (_, at) => cifarPixel(1, at));
    expect([...images.toTypedArray()]).toEqual(expected);
  } finally {
    packed.close();
  }
});

test("given as photos, it is the training photos, found again until a file changes", async () => {
  const folder = await temporaryFolder();
  const root = await writeCifar10(folder, { perFile: 2 });
  const packed = async () => {
    let decoded = 0;
    const options = { size: 32, cacheDir: join(folder, "cache"), onProgress: () => decoded++ };
    const dataset = await openDataset(root, options);
    dataset.close();
    return { length: dataset.length, decoded, fingerprint: dataset.fingerprint };
  };
  const first = await packed();
  expect(first).toMatchObject({ length: 10, decoded: 10 });
  expect(await packed()).toMatchObject({ decoded: 0, fingerprint: first.fingerprint });
  await utimes(join(root, "data_batch_3.bin"), 5, 5);
  expect(await packed()).toMatchObject({ decoded: 10, fingerprint: first.fingerprint });
});

test("is found in the folder that its archive unpacks to", async () => {
  const folder = await temporaryFolder();
  const root = await writeCifar10(folder, { perFile: 1 });
  expect((await openLabelled(folder)).set.path).toBe(root);
  expect((await openSource(folder)).path).toBe(root);
});

test("reports files that are missing or cut, and labels that are no class", async () => {
  const root = await writeCifar10(await temporaryFolder(), { perFile: 2 });
  await rm(join(root, "data_batch_2.bin"));
  await truncate(join(root, "data_batch_3.bin"), 3073 + 100);
  await writeFile(join(root, "data_batch_4.bin"), "");
  await appendFile(join(root, "data_batch_5.bin"), cifarRecords([[10]]));
  const { set, faults } = await openLabelled(root);
  expect(told(faults)).toEqual([
    "missing-file: data_batch_2.bin",
    "bad-file: data_batch_3.bin",
    "bad-file: data_batch_4.bin",
    "bad-label: data_batch_5.bin/000002",
  ]);
  expect(set.splits.train).toHaveLength(2 + 1 + 0 + 2);
  await expect(openSet(root)).rejects.toMatchObject({ code: "faulty-data", total: 4 });
  expect((await openSet(root, { skipBad: true })).faults.total).toBe(4);
});

test("refuses names that are not ten", async () => {
  const root = await writeCifar10(await temporaryFolder(), { perFile: 1 });
  await writeFile(join(root, "batches.meta.txt"), "a\nb\n");
  await expect(openLabelled(root)).rejects.toMatchObject({ code: "bad-class-names" });
});
