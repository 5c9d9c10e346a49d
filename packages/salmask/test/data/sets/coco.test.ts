import { readFileSync } from "node:fs";
import { cp, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readObjects } from "../../../src/data/sets/read-objects.js";
import { photosOfSet } from "../../../src/data/sets/registry.js";
import { openSource } from "../../../src/data/sources/source.js";
import { temporaryFolder } from "../../support/photos.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";
import { box, square, usualLayout, wholeCoco, writeCoco } from "./coco.fixture.js";
import { empty, openAnnotated, told, writeAll } from "./fixtures.js";

describe("annotation files that are named otherwise", () => {
  test.each([
    ["instances_train2017.json", "train2017/", "train2017", "train"],
    ["annotations/train.json", "train/", "train", "train"],
    ["annotations/val.json", "images/val/", "val", "validation"],
    ["pets_test.json", "images/", "pets_test", "test"],
    ["annotations/pedestrians.json", "PNGImages/", "pedestrians", "train"],
    ["walkers.json", "", "walkers", "train"],
  ])("%s with photos in %s is the split %s to %s", async (json, photos, split, use) => {
    const root = await writeCoco(wholeCoco(), { json, photos });
    const { set, faults, splits } = await openAnnotated(root);
    expect(faults.first).toEqual([]);
    expect(set.splits.map(({ name, use: of }) => [name, of])).toEqual([[split, use]]);
    expect(splits.get(split)?.photos).toHaveLength(3);
  });

  test("are taken only where there are none of COCO's own names, and where they are in COCO's form", async () => {
    const root = await writeCoco(wholeCoco(), usualLayout);
    await writeAll(root, { "annotations/captions_train2017.json": JSON.stringify(wholeCoco()) });
    expect((await openAnnotated(root)).set.splits.map(({ name }) => name)).toEqual(["train2017"]);
    const other = await temporaryFolder();
    await writeAll(other, {
      "train.json": JSON.stringify(wholeCoco()),
      "notes.json": JSON.stringify({ images: ["a.jpg"] }),
      "list.json": "[1, 2]",
      ...empty("train/a.jpg", "train/b.jpg", "train/c.jpg"),
    });
    expect((await openAnnotated(other)).set.splits.map(({ name }) => name)).toEqual(["train"]);
  });

  test("do not make a set of a folder of photos that has other JSON beside", async () => {
    const root = await temporaryFolder();
    await writeAll(root, { "summary.json": JSON.stringify({ images: 3 }), ...empty("a.jpg") });
    expect(await photosOfSet(root)).toBeUndefined();
  });
});

describe("COCO", () => {
  test("reads photos, categories by id, boxes as corners, polygons and crowds", async () => {
    const root = await writeCoco(wholeCoco(), usualLayout);
    const { set, faults, splits } = await openAnnotated(root);
    expect(faults.total).toBe(0);
    expect(set).toMatchObject({ name: "coco", path: root });
    const found = splits.get("train2017");
    expect(found).toEqual({
      path: join(root, "train2017"),
      categories: [
        { id: 1, name: "person" },
        { id: 90, name: "toothbrush" },
      ],
      photos: [
        {
          id: 7,
          name: "a.jpg",
          width: 10,
          height: 8,
          objects: [
            {
              id: 11,
              category: 1,
              box: [1, 1, 5, 5],
              area: 16,
              segmentation: { kind: "polygons", polygons: square },
              isCrowd: false,
              isDifficult: false,
            },
            {
              id: 13,
              category: 0,
              box: [0, 0, 10, 8],
              area: 80,
              segmentation: { kind: "rle", rle: { height: 8, width: 10, counts: Uint32Array.of(0, 80) } },
              isCrowd: true,
              isDifficult: false,
            },
          ],
        },
        {
          id: 9,
          name: "b.jpg",
          width: 6,
          height: 6,
          objects: [
            {
              id: 12,
              category: 0,
              box: [0.5, 0, 5.5, 5.25],
              area: 5 * 5.25,
              segmentation: null,
              isCrowd: false,
              isDifficult: false,
            },
          ],
        },
        { id: 3, name: "c.jpg", width: 6, height: 6, objects: [] },
      ],
    });
  });

  test.each([
    ["beside the photos' folder", { json: "instances_val2017.json", photos: "val2017/" }, "validation"],
    ["with the photos in images", { json: "annotations/instances_test.json", photos: "images/" }, "test"],
    [
      "with the split in images",
      { json: "annotations/instances_mine.json", photos: "images/mine/" },
      "train",
    ],
    ["with the photos beside it", { json: "instances_train.json", photos: "" }, "train"],
  ])("finds annotations %s", async (_, layout, use) => {
    const { set, faults, splits } = await openAnnotated(await writeCoco(wholeCoco(), layout));
    expect(faults.total).toBe(0);
    expect(set.splits.map((split) => split.use)).toEqual([use]);
    expect([...splits.values()][0].photos).toHaveLength(3);
  });

  test("has a split for each file, the one to learn from first; its photos are those to learn from", async () => {
    const root = await writeCoco(wholeCoco(), {
      json: "annotations/instances_val2017.json",
      photos: "val2017/",
    });
    await cp(join(root, "val2017"), join(root, "train2017"), { recursive: true });
    const train = { ...wholeCoco(), images: wholeCoco().images.slice(0, 1), annotations: [] };
    await writeAll(root, { "annotations/instances_train2017.json": JSON.stringify(train) });
    const { set } = await openAnnotated(root);
    expect(set.splits.map(({ name }) => name)).toEqual(["train2017", "val2017"]);
    expect(set.official?.splits.val2017).toEqual({ photos: 5000, objects: 36_781 });
    expect((await openSource(root)).path).toBe(join(root, "train2017"));
  });

  type Json = ReturnType<typeof wholeCoco>;
  test.each<[string, (json: Json) => void, string]>([
    [
      "a missing photo",
      (json) => Object.assign(json.images[2], { file_name: "d.jpg" }),
      "missing-photo: photo 3 (d.jpg)",
    ],
    [
      "a photo without a size",
      (json) => Object.assign(json.images[2], { width: 0 }),
      "bad-photo: photo 3 (c.jpg)",
    ],
    [
      "a photo without a name",
      (json) => Object.assign(json.images[2], { file_name: 3 }),
      "bad-photo: photo at place 2",
    ],
    [
      "a photo's id twice",
      (json) => Object.assign(json.images[2], { id: 7 }),
      "duplicate-id: photo 7 (c.jpg)",
    ],
    [
      "a category without a name",
      (json) => json.categories.push({ id: 5 }),
      "bad-category: category at place 2",
    ],
    [
      "a category's id twice",
      (json) => json.categories.push({ id: 1, name: "x" }),
      "duplicate-id: category 1",
    ],
    [
      "an annotation without an id",
      (json) => json.annotations.push({ ...box, image_id: 7, category_id: 1 }),
      "bad-annotation: annotation at place 3",
    ],
    [
      "an annotation's id twice",
      (json) => json.annotations.push({ ...box, id: 11, image_id: 7, category_id: 1 }),
      "duplicate-id: annotation 11",
    ],
    [
      "an unknown photo",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 8, category_id: 1 }),
      "unknown-photo: annotation 14",
    ],
    [
      "an unknown category",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 2 }),
      "unknown-category: annotation 14",
    ],
    [
      "no box",
      (json) => json.annotations.push({ id: 14, image_id: 7, category_id: 1 }),
      "bad-box: annotation 14 (photo a.jpg)",
    ],
    [
      "a box that is no numbers",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, bbox: [1, 1, null, 4] }),
      "bad-box: annotation 14 (photo a.jpg)",
    ],
    [
      "an empty box",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, bbox: [1, 1, 0, 4] }),
      "empty-box: annotation 14 (photo a.jpg)",
    ],
    [
      "a negative box",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, bbox: [5, 5, -4, -4] }),
      "empty-box: annotation 14 (photo a.jpg)",
    ],
    [
      "a box outside",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, bbox: [1, 1, 4, 8.5] }),
      "box-outside: annotation 14 (photo a.jpg)",
    ],
    [
      "a box beyond the left",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, bbox: [-2, 1, 4, 4] }),
      "box-outside: annotation 14 (photo a.jpg)",
    ],
    [
      "a broken segmentation",
      (json) =>
        json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, segmentation: [[1, 2, 3]] }),
      "bad-segmentation: annotation 14 (photo a.jpg)",
    ],
    [
      "run lengths of another sum",
      (json) =>
        json.annotations.push({
          ...box,
          id: 14,
          image_id: 7,
          category_id: 1,
          segmentation: { size: [8, 10], counts: [1, 2] },
        }),
      "bad-segmentation: annotation 14 (photo a.jpg)",
    ],
    [
      "a crowd that is no yes or no",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, iscrowd: 2 }),
      "bad-annotation: annotation 14 (photo a.jpg)",
    ],
    [
      "a negative area",
      (json) => json.annotations.push({ ...box, id: 14, image_id: 7, category_id: 1, area: -1 }),
      "bad-annotation: annotation 14 (photo a.jpg)",
    ],
    ["no annotations", (json) => json.annotations.splice(0), "no-annotations: instances_train2017.json"],
  ])("reports %s, leaves it out and keeps the rest", async (_, spoil, expected) => {
    const json = wholeCoco();
    spoil(json);
    const root = await writeCoco(json, usualLayout);
    const { set, faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([expected]);
    const kept = splits.get("train2017")?.photos.flatMap(({ objects }) => objects.map(({ id }) => id));
    expect(kept).toEqual(json.annotations.length === 0 ? [] : [11, 13, 12]);
    const [code] = expected.split(":");
    const refused = { code: "faulty-data", total: 1, message: expect.stringContaining(code) };
    await expect(readObjects(set, "train2017")).rejects.toMatchObject(refused);
    const skipped = await readObjects(set, "train2017", { skipBad: true });
    expect(skipped.faults.total).toBe(1);
  });

  test("a box may leave its photo by a pixel, as it is in the file", async () => {
    const json = wholeCoco();
    json.annotations[0].bbox = [-1, 0, 12, 9];
    const { faults, splits } = await openAnnotated(await writeCoco(json, usualLayout));
    expect(faults.total).toBe(0);
    expect(splits.get("train2017")?.photos[0].objects[0].box).toEqual([-1, 0, 11, 9]);
  });

  test("a photo that is left out takes its objects with it and is told once", async () => {
    const json = wholeCoco();
    json.images[0].file_name = "gone.jpg";
    const { faults, splits } = await openAnnotated(await writeCoco(json, usualLayout));
    expect(told(faults)).toEqual(["missing-photo: photo 7 (gone.jpg)"]);
    expect(splits.get("train2017")?.photos.map(({ id }) => id)).toEqual([9, 3]);
  });

  test("lists the first ten faults by id and counts the rest", async () => {
    const json = wholeCoco();
    for (let id = 100; id < 125; id++) json.annotations.push({ ...box, id, image_id: 7, category_id: 2 });
    const { set } = await openAnnotated(await writeCoco(json, usualLayout));
    const error: unknown = await readObjects(set, "train2017").catch((thrown: unknown) => thrown);
    const message = error instanceof Error ? error.message : "";
    expect(message).toContain("25 faults (25 unknown-category)");
    expect(message).toContain("annotation 109: Expected the id of a category, got 2.");
    expect(message).not.toContain("annotation 110");
    expect(message).toContain("... and 15 more");
    expect(message).toContain("--skip-bad");
  });

  test("says of a photo whose name no file can have that it is missing", async () => {
    const json = wholeCoco();
    json.images[0].file_name = "below/a\0.jpg";
    const { faults } = await openAnnotated(await writeCoco(json, usualLayout));
    expect(faults.counts).toEqual(new Map([["missing-photo", 1]]));
  });

  test("says what a file is that is not COCO's", async () => {
    const no = async (content: string, expected: object) => {
      const root = await temporaryFolder();
      await writeAll(root, { "annotations/instances_train.json": content });
      await expect(openAnnotated(root)).rejects.toMatchObject(expected);
    };
    await no("{", { code: "unreadable-annotations" });
    await no("[]", { code: "not-coco", message: expect.stringContaining("got no object") });
    await no('{"images": [], "annotations": []}', {
      code: "not-coco",
      message: expect.stringContaining("images, annotations"),
    });
  });

  test("refuses a file that no text can hold", async () => {
    const root = await writeCoco(wholeCoco(), usualLayout);
    // Without content, it takes no room.
    await truncate(join(root, usualLayout.json), 2 ** 29);
    await expect(openAnnotated(root)).rejects.toMatchObject({
      code: "too-large-annotations",
      message: expect.stringMatching(/at most 536.9 MB, .*got 536.9 MB/),
    });
  });

  test("asks for a split by its name", async () => {
    const { set } = await openAnnotated(await writeCoco(wholeCoco(), usualLayout));
    await expect(readObjects(set, "val2017")).rejects.toMatchObject({
      code: "no-such-split",
      message: expect.stringContaining("train2017"),
    });
  });

  test.runIf(hasShared("coco100-dev"))("reads 100 photos of COCO with every object", async () => {
    const root = await unpackShared("coco100-dev");
    const { faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([]);
    const found = splits.get("train2017");
    expect(found?.photos).toHaveLength(100);
    const json = JSON.parse(readFileSync(join(root, "instances_train2017.json"), "utf8"));
    expect(found?.categories.map(({ id }) => id)).toEqual(
      json.categories.map(({ id }: { id: number }) => id).sort((a: number, b: number) => a - b),
    );
    const objects = new Map(
      found?.photos.flatMap((photo) => photo.objects.map((object) => [object.id, object])),
    );
    expect(objects.size).toBe(746);
    let crowds = 0;
    for (const { id, bbox, category_id, iscrowd, area, segmentation } of json.annotations) {
      const object = objects.get(id);
      const [x, y, width, height] = bbox;
      expect(object?.box).toEqual([x, y, x + width, y + height]);
      expect(found?.categories[object?.category ?? -1].id).toBe(category_id);
      expect(object?.area).toBe(area);
      expect(object?.isCrowd).toBe(iscrowd === 1);
      crowds += iscrowd;
      // The runs inside are every second one, and the area counts their pixels.
      const rle = object?.segmentation?.kind === "rle" ? object.segmentation.rle : undefined;
      expect([...(rle?.counts ?? [])]).toEqual(segmentation.counts);
      const inside = [...(rle?.counts ?? [])].reduce((sum, run, i) => sum + (i % 2) * run, 0);
      expect(inside).toBe(area);
    }
    expect(crowds).toBe(6);
  });
});
