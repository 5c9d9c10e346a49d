import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../support/photos.js";
import { empty, openLabelled, perClass, writeAll } from "./fixtures.js";

const counts = { BACKGROUND_Google: 40, Faces_easy: 45, accordion: 31, Leopards: 30, yin_yang: 3 };

async function write(folder: string): Promise<string> {
  const root = join(await temporaryFolder(), "caltech");
  const names = Object.entries(counts).flatMap(([name, count]) =>
    Array.from({ length: count }, (_, i) => `${folder}${name}/image_${String(i + 1).padStart(4, "0")}.jpg`),
  );
  await writeAll(root, empty(...names));
  return root;
}

test.each(["101_ObjectCategories/", ""])("takes 30 photos per class to learn from, in %j", async (folder) => {
  const root = await write(folder);
  const { set, faults } = await openLabelled(root, { seed: 1 });
  expect(faults.total).toBe(0);
  expect(set).toMatchObject({ name: "caltech-101", path: join(root, folder).replace(/\/$/, "") });
  expect(set.classes).toEqual(["Faces_easy", "Leopards", "accordion", "yin_yang"]);
  // A class with no more than 30 keeps one to be scored on.
  expect(perClass(set, "train")).toEqual({ Faces_easy: 30, Leopards: 29, accordion: 30, yin_yang: 2 });
  expect(perClass(set, "test")).toEqual({ Faces_easy: 15, Leopards: 1, accordion: 1, yin_yang: 1 });
  expect(set.official?.splits).toEqual({ train: { photos: 3030 }, test: { photos: 5647 } });
  const other = await openLabelled(root, { seed: 2 });
  expect(other.set.splits.train).not.toEqual(set.splits.train);
});

test("takes another number per class", async () => {
  const { set } = await openLabelled(await write("101_ObjectCategories/"), { perClass: 5 });
  expect(perClass(set, "train")).toEqual({ Faces_easy: 5, Leopards: 5, accordion: 5, yin_yang: 2 });
  expect(set.official).toBeNull();
  await expect(openLabelled(set.path, { perClass: 0 })).rejects.toMatchObject({ code: "bad-count" });
});
