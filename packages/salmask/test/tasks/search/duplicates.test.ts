import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sheetOfDuplicates } from "../../../src/report/found-sheets.js";
import { findDuplicates } from "../../../src/tasks/search/duplicates.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";
import { readSheet } from "../../support/sheet.js";
import { writeEncoder, writeFlat } from "../embed/made.js";

it("groups photos with the same bytes and with nearly the same embeddings, the largest group first", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  await writeFlat(at("photos/a.png"), [200, 20, 20]);
  await mkdir(at("photos/sub"));
  await copyFile(at("photos/a.png"), at("photos/sub/a copy.png"));
  // The same pixels in other bytes.
  await writeFlat(at("photos/b.png"), [200, 20, 20], 0);
  await writeFlat(at("photos/c.png"), [20, 30, 220]);
  await writeFlat(at("photos/d.png"), [20, 30, 220], 0);
  await writeFlat(at("photos/e.png"), [0, 255, 0]);
  const options = { run: at("encoder.safetensors"), photos: at("photos"), cache: at("cache") };
  const result = await findDuplicates({ ...options, threshold: 0.99999 });
  const facts = result.groups.map((group) => group.map(({ path, identical }) => [path, identical]));
  expect(facts).toEqual([
    [
      ["a.png", 1],
      ["b.png", null],
      ["sub/a copy.png", 1],
    ],
    [
      ["c.png", null],
      ["d.png", null],
    ],
  ]);
  for (const { similarity } of result.groups.flat()) expect(similarity).toBeCloseTo(1, 5);

  await sheetOfDuplicates(result, { out: at("sheet.png"), rows: 9, cache: at("cache") });
  const sheet = await readSheet(at("sheet.png"));
  expect([sheet.width, sheet.height]).toEqual([3 * 116 + 4, 18 + 2 * (116 + 14) + 4]);
  expect(sheet.at(2, 0, 0.5, 0.5)).toEqual([200, 20, 20]);

  expect((await findDuplicates({ ...options, threshold: 0 })).groups.map((group) => group.length)).toEqual([
    6,
  ]);
});

it("refuses a similarity from which nearly all photos are alike", async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeEncoder(at("encoder.safetensors"));
  await writePhotos(at("photos"), 240, 16, ["a"]);
  const options = { run: at("encoder.safetensors"), photos: at("photos"), cache: at("cache") };
  await expect(findDuplicates({ ...options, threshold: 0 })).rejects.toMatchObject({ code: "too-similar" });
});
