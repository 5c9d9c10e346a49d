import { join } from "node:path";
import { expect, it } from "vitest";
import { joinObjects } from "../../../src/data/samples/join-objects.js";
import type { AnnotatedPhotos, PhotoObject } from "../../../src/data/samples/objects.js";

const object = (id: number): PhotoObject => ({
  ...{ id, category: 0, box: [0, 0, 2, 2], area: 4, segmentation: null, isCrowd: false, isDifficult: false },
});
const part = (path: string, ...names: string[]): AnnotatedPhotos => ({
  path,
  categories: [{ id: 1, name: "cat" }],
  photos: names.map((name, id) => ({ id, name, height: 4, width: 4, objects: [object(1), object(2)] })),
});

it("leaves a single part as it is", () => {
  const one = part("/data/VOC2007", "a.jpg");
  expect(joinObjects([one])).toBe(one);
});

it("joins parts of several folders, with numbers and names of their own", () => {
  const parts = [
    part("/data/VOC2007", "JPEGImages/a.jpg", "JPEGImages/b.jpg"),
    part("/data/VOC2012", "JPEGImages/a.jpg"),
  ];
  const joined = joinObjects(parts);
  expect(joined.path).toBe("/data");
  expect(joined.categories).toEqual(parts[0].categories);
  expect(joined.photos.map(({ id, name }) => [id, name])).toEqual([
    [0, "VOC2007/JPEGImages/a.jpg"],
    [1, "VOC2007/JPEGImages/b.jpg"],
    [2, "VOC2012/JPEGImages/a.jpg"],
  ]);
  expect(joined.photos.flatMap(({ objects }) => objects.map(({ id }) => id))).toEqual([1, 2, 3, 4, 5, 6]);
  const files = parts.flatMap(({ path, photos }) => photos.map(({ name }) => join(path, name)));
  expect(joined.photos.map(({ name }) => join(joined.path, name))).toEqual(files);
});

it("joins parts of one folder without another folder in their names", () => {
  const joined = joinObjects([part("/data/VOC2007", "a.jpg"), part("/data/VOC2007", "b.jpg")]);
  expect([joined.path, ...joined.photos.map(({ name }) => name)]).toEqual([
    "/data/VOC2007",
    "a.jpg",
    "b.jpg",
  ]);
});

it("refuses parts with other categories", () => {
  const other = { ...part("/data/other", "c.jpg"), categories: [{ id: 1, name: "dog" }] };
  expect(() => joinObjects([part("/data/VOC2007", "a.jpg"), other])).toThrow(
    expect.objectContaining({ code: "other-categories" }),
  );
});
