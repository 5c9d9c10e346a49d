import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateObjects } from "../../../src/data/embedded/generate-objects.js";

interface Coco {
  images: { id: number; file_name: string; height: number; width: number }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    iscrowd: number;
    segmentation: { size: [number, number]; counts: number[] };
  }[];
  categories: { id: number; name: string }[];
}

const options = { seed: 5, train: 60, test: 12, size: 96, classes: 4 } as const;
let root: string;
let folder: string;
let train: Coco;

const readSplit = async (at: string, split: string): Promise<Coco> =>
  JSON.parse(await readFile(join(at, `instances_${split}.json`), "utf8"));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "salmask-objects-"));
  const made = await generateObjects(join(root, "objects"), options);
  expect(made.generated).toBe(true);
  folder = made.folder;
  train = await readSplit(folder, "train");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Pixels `[H * W]` by the definition of run lengths: outside and inside in turn, down the columns. */
function pixelsOf({ size: [height, width], counts }: Coco["annotations"][number]["segmentation"]): boolean[] {
  const columns = counts.flatMap((count, i) => Array.from({ length: count }, () => i % 2 === 1));
  return Array.from(
    { length: height * width },
    (_, at) => columns[(at % width) * height + Math.floor(at / width)],
  );
}

describe("generateObjects", () => {
  it("writes the pictures that it lists, and numbers everything once", async () => {
    const test = await readSplit(folder, "test");
    for (const [split, { images, annotations, categories }] of Object.entries({ train, test })) {
      expect((await readdir(join(folder, split))).sort()).toEqual(images.map(({ file_name }) => file_name));
      expect(new Set(images.map(({ id }) => id)).size).toBe(images.length);
      expect(new Set(annotations.map(({ id }) => id)).size).toBe(annotations.length);
      expect(categories.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
      for (const { image_id, category_id } of annotations) {
        expect(images.some(({ id }) => id === image_id)).toBe(true);
        expect(categories.some(({ id }) => id === category_id)).toBe(true);
      }
      const { width, height, channels } = await sharp(join(folder, split, images[0].file_name)).metadata();
      expect({ width, height, channels }).toEqual({ width: 96, height: 96, channels: 3 });
    }
    expect([train.images.length, test.images.length]).toEqual([60, 12]);
  });

  it("has masks with the boxes and areas that it says, which do not overlap", () => {
    for (const { id } of train.images) {
      const objects = train.annotations.filter(({ image_id }) => image_id === id);
      const owners = new Int32Array(96 * 96);
      for (const { segmentation, bbox, area } of objects) {
        const pixels = pixelsOf(segmentation);
        const on = pixels.flatMap((inside, at) => (inside ? [at] : []));
        const [xs, ys] = [on.map((at) => at % 96), on.map((at) => Math.floor(at / 96))];
        const [left, top] = [Math.min(...xs), Math.min(...ys)];
        expect(bbox).toEqual([left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1]);
        expect(area).toBe(on.length);
        for (const at of on) owners[at]++;
      }
      expect(objects.length).toBeGreaterThanOrEqual(1);
      expect(objects.length).toBeLessThanOrEqual(6);
      expect(Math.max(...owners)).toBe(1);
    }
  });

  it("has objects of every class, of many sizes, some of them covered in part", () => {
    const sides = train.annotations.map(({ bbox: [, , width, height] }) => Math.max(width, height));
    expect(new Set(train.annotations.map(({ category_id }) => category_id)).size).toBe(4);
    // What others cover may be narrower than the smallest whole object.
    expect(sides.filter((side) => side >= 14).length).toBeGreaterThan(0.95 * sides.length);
    expect(sides.filter((side) => side < 24).length).toBeGreaterThan(0.2 * sides.length);
    expect(sides.filter((side) => side > 34).length).toBeGreaterThan(0.1 * sides.length);
    expect(Math.max(...sides)).toBeLessThanOrEqual(46);
    expect(train.annotations.length / train.images.length).toBeGreaterThan(2);
    const isTouching = (a: number[], b: number[]) =>
      Math.abs(2 * (a[0] - b[0]) + a[2] - b[2]) < a[2] + b[2] &&
      Math.abs(2 * (a[1] - b[1]) + a[3] - b[3]) < a[3] + b[3];
    const touching = train.annotations.filter((one) =>
      train.annotations.some(
        (other) => other !== one && other.image_id === one.image_id && isTouching(one.bbox, other.bbox),
      ),
    );
    expect(touching.length).toBeGreaterThan(0.1 * train.annotations.length);
  });

  it("is the same for the same options, is left alone then, and other for another seed", async () => {
    expect((await generateObjects(folder, options)).generated).toBe(false);
    const again = join(root, "again");
    await generateObjects(again, options);
    for (const name of ["instances_train.json", "train/00007.png", "test/00003.png"])
      expect((await readFile(join(again, name))).equals(await readFile(join(folder, name)))).toBe(true);
    expect((await generateObjects(again, { ...options, seed: 6 })).generated).toBe(true);
    expect(
      (await readFile(join(again, "train/00007.png"))).equals(
        await readFile(join(folder, "train/00007.png")),
      ),
    ).toBe(false);
  });

  it("refuses what the set for classification refuses", async () => {
    await expect(generateObjects(join(root, "x"), { size: 16 })).rejects.toMatchObject({
      code: "embedded-size",
    });
  });
});
