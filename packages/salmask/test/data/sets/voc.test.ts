import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findPython } from "../../../../torch/test/support/python.js";
import { vocClasses } from "../../../src/data/sets/voc.js";
import { vocColour } from "../../../src/data/sets/voc-masks.js";
import { openSource } from "../../../src/data/sources/source.js";
import { temporaryFolder } from "../../support/photos.js";
import { hasShared, unpackShared } from "../../support/shared-data.js";
import { empty, openAnnotated, told, writeAll } from "./fixtures.js";

const boxXml = ([xmin, ymin, xmax, ymax]: readonly (number | string)[]) =>
  `<bndbox><xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox>`;

const objectXml = (name: string, corners: readonly (number | string)[], more = "") =>
  `<object><name>${name}</name>${more}${boxXml(corners)}</object>`;

const xml = (objects: string, { filename = "", width = "12", height = "10" } = {}) =>
  `<annotation><filename>${filename}</filename><size><width>${width}</width><height>${height}</height><depth>3</depth></size>${objects}</annotation>`;

interface Files {
  readonly annotations: Record<string, string>;
  readonly lists?: Record<string, string>;
  readonly photos?: readonly string[];
}

/** A set in VOC's layout in `root/folder`. */
async function write(folder: string, { annotations, lists = {}, photos }: Files): Promise<string> {
  const root = join(await temporaryFolder(), "home");
  const at = folder === "" ? "" : `${folder}/`;
  const files: Record<string, string> = empty(
    ...(photos ?? Object.keys(annotations).map((id) => `${id}.jpg`)).map((name) => `${at}JPEGImages/${name}`),
  );
  for (const [id, content] of Object.entries(annotations)) files[`${at}Annotations/${id}.xml`] = content;
  for (const [name, content] of Object.entries(lists)) files[`${at}ImageSets/Main/${name}.txt`] = content;
  await writeAll(root, files);
  await mkdir(join(root, at, "JPEGImages"), { recursive: true });
  return root;
}

const cat = objectXml(
  "cat",
  [2, 3, 6, 8],
  "<truncated>1</truncated><difficult>1</difficult><pose>Left</pose>",
);
const dog = objectXml(
  "dog",
  ["1", "1", "12.0", "9.5"],
  "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>",
);

describe("PASCAL VOC", () => {
  test("counts pixels from 0, keeps difficult, passes over parts, and knows the 20 classes of its own folders", async () => {
    const root = await write("VOCdevkit/VOC2007", {
      annotations: { "000001": xml(cat + dog), "000002": xml("") },
      lists: { trainval: "000001\n000002\n", train: "000001 \n", val: "000002", cat_train: "000001 -1" },
    });
    const { set, faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([`no-annotations: ${join(root, "VOCdevkit/VOC2007")}`]);
    expect(set).toMatchObject({ name: "voc", title: "PASCAL VOC2007" });
    expect(set.splits.map(({ name, use }) => [name, use])).toEqual([
      ["trainval", "train"],
      ["train", "train"],
      ["val", "validation"],
    ]);
    expect(set.official?.splits.trainval).toEqual({ photos: 5011 });
    const found = splits.get("trainval");
    expect(found?.categories.map(({ name }) => name)).toEqual(vocClasses);
    expect(found?.categories[0]).toEqual({ id: 1, name: "aeroplane" });
    expect(found?.photos).toEqual([
      {
        id: 0,
        name: "JPEGImages/000001.jpg",
        width: 12,
        height: 10,
        objects: [
          {
            id: 1,
            category: 7,
            box: [1, 2, 6, 8],
            area: 30,
            segmentation: null,
            isCrowd: false,
            isDifficult: true,
          },
          {
            id: 2,
            category: 11,
            box: [0, 0, 12, 9.5],
            area: 114,
            segmentation: null,
            isCrowd: false,
            isDifficult: false,
          },
        ],
      },
      { id: 1, name: "JPEGImages/000002.jpg", width: 12, height: 10, objects: [] },
    ]);
  });

  test("opens both years, each with its splits, and takes the photos to learn from", async () => {
    const root = await write("VOC2007", {
      annotations: { a: xml(cat), b: xml(cat) },
      lists: { trainval: "a", test: "b" },
    });
    await writeAll(root, {
      ...empty("VOC2012/JPEGImages/c.jpg"),
      "VOC2012/Annotations/c.xml": xml(dog),
      "VOC2012/ImageSets/Main/trainval.txt": "c",
    });
    const { set, splits } = await openAnnotated(root);
    expect([...splits.keys()]).toEqual(["VOC2007 trainval", "VOC2007 test", "VOC2012 trainval"]);
    expect(set.official?.splits["VOC2012 trainval"]).toEqual({ photos: 11_540 });
    const names: string[] = [];
    for await (const { name } of (await openSource(root)).images()) names.push(name);
    expect(names).toEqual(["VOC2007/JPEGImages/a.jpg", "VOC2012/JPEGImages/c.jpg"]);
  });

  test("another set has the classes that it names, in all its lists; without lists, all annotations", async () => {
    const annotations = {
      x: xml(objectXml("zebra", [1, 1, 5, 5])),
      y: xml(objectXml("ant", [1, 1, 5, 5]), { filename: "other.png" }),
    };
    const root = await write("", {
      annotations,
      lists: { train: "x", test: "y" },
      photos: ["x.png", "other.png"],
    });
    const { set, faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([]);
    expect(set).toMatchObject({ title: "a set in PASCAL VOC's layout", official: null });
    const categories = [
      { id: 1, name: "ant" },
      { id: 2, name: "zebra" },
    ];
    expect(splits.get("train")).toMatchObject({ categories, photos: [{ objects: [{ category: 1 }] }] });
    expect(splits.get("test")).toMatchObject({ categories, photos: [{ name: "JPEGImages/other.png" }] });
    await rename(join(root, "ImageSets"), join(root, "Lists"));
    const bare = await openAnnotated(root);
    expect(bare.set.splits.map(({ name }) => name)).toEqual(["all"]);
    expect(bare.splits.get("all")?.photos).toHaveLength(2);
  });

  const good = { a: xml(cat) };
  test.each<[string, Files, string[]]>([
    [
      "a photo that is not there",
      { annotations: { ...good, b: xml(dog) }, photos: ["a.jpg"] },
      ["missing-photo: photo b"],
    ],
    [
      "an annotation that is not there",
      { annotations: good, lists: { train: "a\nb" } },
      ["bad-annotation: photo b"],
    ],
    ["an id twice", { annotations: good, lists: { train: "a\na" } }, ["duplicate-id: photo a"]],
    [
      "no XML",
      { annotations: { ...good, b: "<annotation><object></annotation>" } },
      ["bad-annotation: photo b"],
    ],
    ["another XML", { annotations: { ...good, b: "<html></html>" } }, ["bad-annotation: photo b"]],
    ["no size", { annotations: { ...good, b: xml(dog, { width: "0" }) } }, ["bad-annotation: photo b"]],
    [
      "a class that VOC has not",
      { annotations: { ...good, b: xml(objectXml("raccoon", [1, 1, 5, 5])) } },
      ["unknown-category: object 1 of photo b"],
    ],
    [
      "no box",
      { annotations: { ...good, b: xml("<object><name>cat</name></object>") } },
      ["bad-box: object 1 of photo b"],
    ],
    [
      "a box of words",
      { annotations: { ...good, b: xml(objectXml("cat", [1, "x", 5, 5])) } },
      ["bad-box: object 1 of photo b"],
    ],
    [
      "a negative box",
      { annotations: { ...good, b: xml(objectXml("cat", [8, 1, 3, 5])) } },
      ["empty-box: object 1 of photo b"],
    ],
    [
      "a box outside",
      { annotations: { ...good, b: xml(cat + objectXml("cat", [1, 1, 14, 5])) } },
      ["box-outside: object 2 of photo b"],
    ],
    ["no objects at all", { annotations: { a: xml("") } }, ["no-annotations: "]],
  ])("reports %s", async (_, files, expected) => {
    const root = await write("VOC2012", files);
    const { faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual(
      expected.map((line) => (line.endsWith(" ") ? `${line}${join(root, "VOC2012")}` : line)),
    );
    if (faults.counts.has("no-annotations")) return;
    expect([...splits.values()][0].photos[0].objects).toHaveLength(1);
  });

  test("a box of one pixel has an area, one from 0 is taken", async () => {
    const root = await write("", {
      annotations: { a: xml(objectXml("x", [4, 4, 4, 4]) + objectXml("x", [0, 0, 5, 5])) },
    });
    const { faults, splits } = await openAnnotated(root);
    expect(faults.total).toBe(0);
    const boxes = splits.get("all")?.photos[0].objects.map(({ box }) => box);
    expect(boxes).toEqual([
      [3, 3, 4, 4],
      [-1, -1, 5, 5],
    ]);
  });

  /** Writes masks as the devkit does, by PIL: pictures of numbers with VOC's colours. Rows are strings, `v` is void. */
  function writeMasks(root: string, pictures: Record<string, readonly string[]>): void {
    const script = `
import json, os, sys
from PIL import Image
def palette():
    # The devkit's VOClabelcolormap.
    colours = []
    for number in range(256):
        c, rgb = number, [0, 0, 0]
        for j in range(8):
            for channel in range(3):
                rgb[channel] |= ((c >> channel) & 1) << (7 - j)
            c >>= 3
        colours += rgb
    return colours
for path, rows in json.load(sys.stdin).items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = Image.new("P", (len(rows[0]), len(rows)))
    image.putpalette(palette())
    image.putdata([255 if c == "v" else int(c, 36) for row in rows for c in row])
    image.save(path)
print(json.dumps(palette()))
`;
    const input = JSON.stringify(
      Object.fromEntries(Object.entries(pictures).map(([name, rows]) => [join(root, name), rows])),
    );
    const palette: number[] = JSON.parse(
      execFileSync(findPython(), ["-c", script], { input, encoding: "utf8" }),
    );
    for (let number = 0; number < 256; number++) {
      const [red, green, blue] = palette.slice(3 * number, 3 * number + 3);
      expect(vocColour(number)).toBe(red * 65536 + green * 256 + blue);
    }
  }

  // Object 1 is the dog on the right, object 2 the cat on the left; their boxes are listed the other way round.
  const instances = ["vvvvv...111".replaceAll(".", "0"), "v222v000111", "v222v000111", "vv2vv000011"];
  const kinds = instances.map((row) => row.replaceAll("1", "c").replaceAll("2", "8"));
  const size = { width: "11", height: "4" };
  const annotation = xml(
    objectXml("cat", [2, 2, 4, 4]) + objectXml("dog", [9, 1, 11, 4]) + objectXml("cat", [6, 1, 8, 2]),
    size,
  );

  test("gives each object the mask whose class and box fit", async () => {
    const root = await write("VOC2012", { annotations: { a: annotation } });
    writeMasks(root, {
      "VOC2012/SegmentationObject/a.png": instances,
      "VOC2012/SegmentationClass/a.png": kinds,
    });
    const { faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([]);
    const objects = splits.get("all")?.photos[0].objects ?? [];
    expect(objects.map(({ area, segmentation }) => [area, segmentation?.kind ?? null])).toEqual([
      [7, "rle"],
      [11, "rle"],
      [6, null],
    ]);
    for (const [i, number] of ["2", "1"].entries()) {
      const segmentation = objects[i].segmentation;
      if (segmentation?.kind !== "rle") throw new Error("no mask");
      const { height, width, counts } = segmentation.rle;
      expect([height, width]).toEqual([4, 11]);
      const pixels = [...counts].flatMap((run, at) => new Array<boolean>(run).fill(at % 2 === 1));
      for (let x = 0; x < width; x++) {
        for (let y = 0; y < height; y++) expect(pixels[x * height + y]).toBe(instances[y][x] === number);
      }
    }
  });

  test("a mask of another class is not taken, whatever its box", async () => {
    const root = await write("VOC2012", { annotations: { a: annotation } });
    const swapped = instances.map((row) => row.replaceAll("1", "8").replaceAll("2", "c"));
    writeMasks(root, {
      "VOC2012/SegmentationObject/a.png": instances,
      "VOC2012/SegmentationClass/a.png": swapped,
    });
    const { splits } = await openAnnotated(root);
    expect(splits.get("all")?.photos[0].objects.every(({ segmentation }) => segmentation === null)).toBe(
      true,
    );
  });

  test("masks of another size are a fault, the boxes stay; masks that are not asked for are not read", async () => {
    const root = await write("VOC2012", { annotations: { a: xml(cat) } });
    writeMasks(root, { "VOC2012/SegmentationObject/a.png": instances });
    const { set, faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual(["bad-segmentation: photo a"]);
    expect(splits.get("all")?.photos[0].objects).toHaveLength(1);
    await set.splits[0].read(faults, { masks: false });
    expect(faults.total).toBe(1);
  });

  test.runIf(hasShared("raccoon-voc"))("reads 200 photos of raccoons", async () => {
    const root = await unpackShared("raccoon-voc");
    const { faults, splits } = await openAnnotated(root);
    expect(told(faults)).toEqual([]);
    expect([...splits].map(([name, { photos }]) => [name, photos.length])).toEqual([
      ["trainval", 160],
      ["test", 40],
    ]);
    expect(splits.get("test")?.categories).toEqual([{ id: 1, name: "raccoon" }]);
    // Every number of every file, read without an XML parser.
    const corners = (name: string, text: string) =>
      [...text.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "g"))].map(([, n]) => Number(n));
    const expected = readdirSync(join(root, "Annotations")).flatMap((file) => {
      const text = readFileSync(join(root, "Annotations", file), "utf8");
      const [xmin, ymin, xmax, ymax] = ["xmin", "ymin", "xmax", "ymax"].map((name) => corners(name, text));
      return xmin.map((left, i) => [left - 1, ymin[i] - 1, xmax[i], ymax[i]].join());
    });
    const found = [...splits.values()].flatMap(({ photos }) =>
      photos.flatMap(({ objects }) => objects.map(({ box }) => box.join())),
    );
    expect(found.sort()).toEqual(expected.sort());
    expect(found).toHaveLength(217);
  });
});
