import { createHash } from "node:crypto";
import { join } from "node:path";
import { expect, test } from "vitest";
import { imagenet100 } from "../../../src/data/sets/imagenet-100.js";
import { temporaryFolder } from "../../support/photos.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";
import { empty, openLabelled, perClass, told, writeAll } from "./fixtures.js";

const others = ["n01440764", "n01443537"];

async function write(ids: readonly string[], ...more: string[]): Promise<string> {
  const root = await temporaryFolder();
  const photos = ids.flatMap((id) => [`train/${id}/${id}_1.JPEG`, `val/${id}/ILSVRC2012_val_${id}.JPEG`]);
  await writeAll(root, empty(...photos, ...more));
  return root;
}

test("the list has 100 ids in the release's order", () => {
  expect(new Set(imagenet100).size).toBe(100);
  expect(imagenet100.every((id) => /^n\d{8}$/.test(id))).toBe(true);
  expect([imagenet100[0], imagenet100[99]]).toEqual(["n02869837", "n02090622"]);
  // Of CMC's imagenet100.txt, as `sha256sum` prints it.
  const published = "79f3f1552ccc478ce24bd934b4573625db584ddc1f4643ae23c994a94cb11397";
  expect(
    createHash("sha256")
      .update(`${imagenet100.join("\n")}\n`)
      .digest("hex"),
  ).toBe(published);
});

test("knows ImageNet-100 by its classes", async () => {
  const { set, faults } = await openLabelled(await write(imagenet100));
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "imagenet-100", official: { classes: 100 } });
  expect(set.classes).toEqual([...imagenet100].sort());
  expect(set.splits.validation).toHaveLength(100);
});

test("opens the 100 classes of a folder with more", async () => {
  const root = await write([...imagenet100, ...others]);
  expect((await openLabelled(root)).set).toMatchObject({ name: "imagenet-classes", official: null });
  const { set } = await openLabelled(root, { subset: "imagenet-100" });
  expect(set).toMatchObject({ name: "imagenet-100", classes: [...imagenet100].sort() });
  expect(set.splits.train).toHaveLength(100);
  const names: string[] = [];
  for await (const { name } of set.source("train").images()) names.push(name);
  expect(names).toHaveLength(100);
  expect(names).not.toContain(`${others[0]}/${others[0]}_1.JPEG`);
});

test("refuses the 100 classes of a folder that has not all of them, or is not ImageNet", async () => {
  const subset = "imagenet-100" as const;
  await expect(
    openLabelled(await write([...imagenet100.slice(1), ...others]), { subset }),
  ).rejects.toMatchObject({
    code: "missing-classes",
    message: expect.stringMatching(/got 99: n02869837/),
  });
  await expect(openLabelled(await write(["cat", "dog"]), { subset })).rejects.toMatchObject({
    code: "no-subset",
  });
});

test("a flat val folder is refused with what to do", async () => {
  const root = await temporaryFolder();
  await writeAll(
    root,
    empty("train/n01440764/a.JPEG", "train/n01443537/b.JPEG", "val/ILSVRC2012_val_00000001.JPEG"),
  );
  await expect(openLabelled(root)).rejects.toMatchObject({
    code: "flat-validation",
    message: expect.stringMatching(new RegExp(`a folder per class in ${join(root, "val")}.*ground_truth`)),
  });
});

test.runIf(hasShared("imagenette-128"))("opens Imagenette", async () => {
  const { set, faults } = await openLabelled(
    await unpackShared("imagenette-128", ["*/val/*", "*/train/*/*4.jpg"]),
  );
  expect(told(faults)).toEqual([]);
  expect(set).toMatchObject({ name: "imagenet-classes", title: "10 classes of ImageNet" });
  expect(set.splits.validation).toHaveLength(3925);
  expect(Object.keys(perClass(set, "validation"))).toHaveLength(10);
});
