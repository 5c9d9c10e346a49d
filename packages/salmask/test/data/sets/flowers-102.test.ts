import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../support/photos.js";
import { empty, openLabelled, perClass, told, writeAll } from "./fixtures.js";
import { matFile } from "./mat.fixture.js";

const file = (number: number) => `jpg/image_${String(number).padStart(5, "0")}.jpg`;

interface Official {
  labels: number[];
  trnid: number[];
  valid: number[];
  tstid: number[];
  compressed?: boolean;
  photos?: number;
}

async function writeOfficial({ labels, trnid, valid, tstid, compressed, photos = labels.length }: Official) {
  const root = await temporaryFolder();
  const lists = [
    { name: "trnid", values: trnid },
    { name: "valid", values: valid },
    { name: "tstid", values: tstid },
  ];
  await writeAll(root, {
    ...empty(...Array.from({ length: photos }, (_, i) => file(i + 1))),
    "imagelabels.mat": matFile([{ name: "labels", values: labels }], { compressed }),
    "setid.mat": matFile(lists, { compressed }),
  });
  return root;
}

const small = { labels: [77, 77, 1, 102, 3, 1], trnid: [6, 1], valid: [3], tstid: [2, 4, 5] };

test.each([false, true])("official: labels and splits of .mat files, compressed %s", async (compressed) => {
  const root = await writeOfficial({ ...small, compressed });
  const { set, faults } = await openLabelled(root);
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "flowers-102", path: root });
  expect(set.classes).toHaveLength(102);
  expect([set.classes[0], set.classes[101]]).toEqual(["1", "102"]);
  const named = (split: "train" | "validation" | "test") =>
    set.splits[split]?.map(({ name, label }) => [name, set.classes[label]]);
  expect(named("train")).toEqual([
    [file(6), "1"],
    [file(1), "77"],
  ]);
  expect(named("validation")).toEqual([[file(3), "1"]]);
  expect(named("test")).toEqual([
    [file(2), "77"],
    [file(4), "102"],
    [file(5), "3"],
  ]);
  expect(set.official?.splits).toMatchObject({ train: { photos: 1020 }, test: { photos: 6149 } });
  const source = set.source("train");
  expect(source.labels?.labelOf(file(1))).toBe(76);
  const offered: string[] = [];
  for await (const { name } of source.images()) offered.push(name);
  expect(offered).toEqual([file(1), file(6)]);
});

test("official: reports labels and numbers that cannot be, photos twice and missing", async () => {
  const root = await writeOfficial({
    labels: [1, 103, 0, 4, 5],
    trnid: [1, 2, 3],
    valid: [1, 6],
    tstid: [0, 5, 4],
    photos: 4,
  });
  const { set, faults } = await openLabelled(root);
  expect(told(faults)).toEqual([
    "bad-label: photo 2 of trnid",
    "bad-label: photo 3 of trnid",
    "bad-split: photo 1 of valid",
    "bad-split: photo 6 of valid",
    "bad-split: photo 0 of tstid",
    "missing-photo: photo 5 of tstid",
  ]);
  expect(set.splits.test).toEqual([{ name: file(4), label: 3 }]);
});

test("official: says which file is damaged", async () => {
  const root = await writeOfficial(small);
  await writeAll(root, { "setid.mat": matFile([{ name: "trnid", values: [1] }]) });
  await expect(openLabelled(root)).rejects.toMatchObject({
    code: "bad-mat-file",
    message: expect.stringMatching(/valid in .*setid.mat, got only trnid/),
  });
});

test("the copy in folders is another set", async () => {
  const root = await temporaryFolder();
  const names = ["train", "valid", "test"].flatMap((split) =>
    Array.from({ length: 102 }, (_, i) => `${split}/${i + 1}/image_${split}.jpg`),
  );
  await writeAll(root, empty(...names));
  const { set, faults } = await openLabelled(root);
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({
    name: "flowers-102-folders",
    official: { splits: { train: { photos: 6552 }, validation: { photos: 818 }, test: { photos: 819 } } },
  });
  expect(set.notes.join()).toContain("not the official splits");
  expect(Object.keys(perClass(set, "validation"))).toHaveLength(102);
  expect(set.splits.train?.find(({ name }) => name === join("train", "10", "image_train.jpg"))?.label).toBe(
    set.classes.indexOf("10"),
  );
});
