import { join } from "node:path";
import { scope } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { openAnalysisPhotos } from "../../src/analysis/photos.js";
import { centralMasks, centralPictures } from "../../src/analysis/pictures/central.js";
import { generateObjects } from "../../src/data/embedded/generate-objects.js";
import { decodeMask } from "../../src/data/samples/rle.js";
import { toMask } from "../../src/data/samples/segmentation.js";
import { readObjects } from "../../src/data/sets/read-objects.js";
import { openSet } from "../../src/data/sets/registry.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";
import { byObject, side, writeScenes } from "./made.js";

const common = { crop: side, counts: { train: 12, test: 6 }, seed: 0 };

it("takes as many photos of each class, and crops masks as it crops photos", async () => {
  const folder = await temporaryFolder();
  const path = await writeScenes(join(folder, "set"), byObject, { train: 30, test: 15 });
  const from = { kind: "folder", path, masks: null } as const;
  const photos = await openAnalysisPhotos({ ...common, from, cache: join(folder, "cache") });
  try {
    expect(photos.classes).toEqual(["blue", "green", "red"]);
    expect(Array.from(photos.learned?.labels ?? [])).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(Array.from(photos.scored.labels)).toEqual([0, 0, 1, 1, 2, 2]);
    const { masks, scored } = photos;
    if (masks === null) throw new Error("expected masks");
    const rows = Int32Array.of(0, 3, 5);
    const [pictures, inside] = scope(() => [
      centralPictures(scored, rows, side).toArray(), // [3, 3, side, side]
      centralMasks(photos, masks, rows, side).toArray(), // [3, side, side]
    ]);
    const area = side * side;
    for (const [i, row] of rows.entries()) {
      // Only the object has a channel above 0.7: the one of its class.
      const channel = ["red", "green", "blue"].indexOf(photos.classes[scored.labels[row]]);
      for (let pixel = 0; pixel < area; pixel++) {
        const value = pictures[(3 * i + channel) * area + pixel];
        expect(inside[i * area + pixel], `photo ${row}, pixel ${pixel}`).toBe(Number(value > 0.7));
      }
    }
  } finally {
    photos.close();
  }
});

it("takes photos with objects for photos of their largest object's class, with the masks of that class", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "scenes");
  await generateObjects(path, { train: 12, test: 8, size: 64, classes: 2 });
  const from = { kind: "folder", path, masks: null } as const;
  const photos = await openAnalysisPhotos({ ...common, from, cache: join(folder, "cache") });
  try {
    const { set } = await openSet(path);
    if (set.kind !== "annotated") throw new Error("expected objects");
    const { photos: truth } = await readObjects(set, "test");
    expect(photos.classes).toEqual(truth.categories.map(({ name }) => name));
    const shares = scope(() => photos.masks?.mean([1, 2]).toArray() ?? []);
    for (const [i, id] of photos.scored.ids.entries()) {
      const { dataset, labels } = photos.scored;
      const photo = truth.photos.find(({ name }) => name === dataset.names[id]);
      if (photo === undefined) throw new Error("expected a photo of the set");
      const [largest] = photo.objects.toSorted((a, b) => b.area - a.area);
      expect(labels[i]).toBe(largest.category);
      const pixels = photo.objects
        .filter(({ category }) => category === largest.category)
        .flatMap(({ segmentation }) => (segmentation === null ? [] : [toMask(segmentation, 64, 64)]))
        .map((mask) => decodeMask(mask).reduce((sum, on) => sum + on, 0))
        .reduce((sum, area) => sum + area, 0);
      expect(shares[i]).toBeCloseTo(pixels / (64 * 64), 4);
    }
  } finally {
    photos.close();
  }
});

it("takes photos without classes, with or without masks", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "plain");
  await writePhotos(folder, 10, 16, ["plain"]);
  const from = { kind: "folder", path, masks: null } as const;
  const plain = await openAnalysisPhotos({ ...common, from, cache: join(folder, "cache") });
  expect(plain).toMatchObject({ classes: [], learned: null, masks: null });
  expect(plain.scored.ids).toHaveLength(6);
  plain.close();

  const masks = join(folder, "truth");
  await writePhotos(folder, 10, 16, ["truth"]);
  await sharp(join(masks, "0.png")).resize(8, 8).png().toFile(join(masks, "x.png"));
  const known = await openAnalysisPhotos({
    ...common,
    from: { ...from, masks },
    cache: join(folder, "cache"),
  });
  expect(known.masks?.shape[0]).toBe(6);
  known.close();
  const wrong = { ...from, masks: path.replace("plain", "none") };
  await expect(
    openAnalysisPhotos({ ...common, from: wrong, cache: join(folder, "cache") }),
  ).rejects.toMatchObject({ code: "no-maps" });
});
