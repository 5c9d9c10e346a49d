import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeCifar10 } from "../data/sets/cifar.fixture.js";
import { empty, png, writeAll } from "../data/sets/fixtures.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";
import { hasShared, unpackShared } from "../support/shared-data.js";

const check = (...args: string[]) => salmask("data", "check", ...args);

/** Two photos of 20 x 10 pixels; on the first, an object of 16 pixels and a crowd. */
async function writeCoco(
  spoil: (annotations: Record<string, unknown>[]) => void = () => {},
): Promise<string> {
  const root = await temporaryFolder();
  const annotations: Record<string, unknown>[] = [
    {
      id: 1,
      image_id: 1,
      category_id: 1,
      bbox: [0, 0, 4, 4],
      segmentation: [[0, 0, 4, 0, 4, 4, 0, 4]],
      area: 16,
      iscrowd: 0,
    },
    { id: 2, image_id: 1, category_id: 1, bbox: [0, 0, 20, 10], iscrowd: 1 },
  ];
  spoil(annotations);
  const json = {
    images: [1, 2].map((id) => ({ id, file_name: `${id}.png`, width: 20, height: 10 })),
    categories: [1, 2].map((id) => ({ id, name: `kind ${id}` })),
    annotations,
  };
  await writeAll(root, {
    "annotations/instances_train2017.json": JSON.stringify(json),
    "train2017/1.png": await png(20, 10),
    "train2017/2.png": await png(20, 10),
  });
  return root;
}

describe("salmask data check", () => {
  it("says what a set is and holds, beside what was published", async () => {
    const root = await writeCoco();
    const { code, out, err } = await check(root);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out.split("\n")).toEqual([
      `${root}: a set in COCO's form`,
      "  classes: 2 (published: 80)",
      "  photos in train2017 (train): 2 (published: 118,287)",
      "    shorter sides: 10 px",
      "    objects: 2 (published: 860,001); masks: 1; crowds: 1; difficult: 0",
      "    by area: 2 below 32 x 32 px, 0 below 96 x 96 px, 0 larger",
      "    photos without objects: 1",
      "    classes without objects: 1 (kind 2)",
      "no faults",
      "",
    ]);
  });

  it("lists ten faults, counts the rest, and ends with 1", async () => {
    const root = await writeCoco((annotations) => {
      for (let id = 20; id < 33; id++)
        annotations.push({ id, image_id: 1, category_id: id < 22 ? 3 : 1, bbox: [0, 0, 0, 0] });
    });
    const { code, out } = await check(root);
    expect(code).toBe(1);
    const lines = out.trimEnd().split("\n");
    const from = lines.indexOf("13 faults: 2 unknown-category, 11 empty-box");
    expect(from).toBeGreaterThan(0);
    expect(lines[from + 1]).toBe("  annotation 20: Expected the id of a category, got 3.");
    expect(lines[from + 10]).toContain(
      "annotation 29 (photo 1.png): Expected a box with an area, got 0 x 0 pixels.",
    );
    expect(lines.slice(from + 11)).toEqual(["  ... and 3 more"]);
  });

  it("gives one JSON document, with 1 where there are faults", async () => {
    const root = await writeCoco((annotations) => annotations.splice(0));
    const { code, out } = await check(root, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      name: "coco",
      path: root,
      splits: [{ name: "train2017", photos: 2, objects: { objects: 0 } }],
      faults: {
        total: 1,
        counts: { "no-annotations": 1 },
        first: [{ code: "no-annotations", of: "instances_train2017.json" }],
      },
    });
  });

  it("looks at photos where it is asked to", async () => {
    const root = await writeCoco();
    await writeFile(join(root, "train2017/1.png"), await png(10, 20));
    await writeFile(join(root, "train2017/2.png"), "no picture");
    expect((await check(root)).code).toBe(0);
    const { code, out } = await check(root, "--photos");
    expect(code).toBe(1);
    expect(out).toContain("2 faults: 1 unreadable-photo, 1 other-size");
    expect(out).toContain("photo 2.png: Expected the content of a JPEG");
    expect(out).toContain("Expected 20 x 10 pixels as its annotation says, got 10 x 20.");
  });

  it("checks class folders: empty classes and splits, pictures that cannot be used, sizes", async () => {
    const root = await temporaryFolder();
    await writePhotos(join(root, "train"), 6, 12, ["a", "b", "c"]);
    await writeAll(root, { "val/a/1.jpg": "broken", "val/b/1.heic": "" });
    const plain = await check(root);
    expect(plain.code).toBe(1);
    expect(plain.out.split("\n").slice(0, 9)).toEqual([
      `${root}: one folder per class`,
      "  classes: 3",
      "  photos in train: 6",
      "    of each class: 2",
      "  photos in val (validation): 1",
      "    of each class: 0 to 1, median 0",
      "2 faults: 1 no-photos, 1 unreadable-photo",
      "  val: Expected photos of each of 3 classes, got none of 2: b, c.",
      "  val/b/1.heic: Expected a JPEG, PNG, WebP, GIF, TIFF or AVIF file, got .heic. Convert it to JPEG or PNG to use it.",
    ]);
    const thorough = await check(root, "--photos");
    expect(thorough.out).toContain("    shorter sides: 12 px");
    expect(thorough.out).toContain("photo a/1.jpg: Expected the content of a JPEG");
    await writeAll(root, empty("test/readme.txt"));
    expect((await check(root)).out).toContain("test: Expected photos, got none.");
  });

  it("checks a binary set", async () => {
    const root = await writeCifar10(await temporaryFolder(), { perFile: 10 });
    const { code, out } = await check(root, "--photos");
    expect(code).toBe(0);
    expect(out).toContain("CIFAR-10");
    expect(out).toContain("  photos in train: 50 (published: 50,000)");
    expect(out).toContain("shorter sides: 32 px");
  });

  it("says what it expected of a folder that is no set", async () => {
    const { code, err } = await check(await temporaryFolder());
    expect(code).toBe(1);
    expect(err).toContain("got an empty folder");
  });

  it.runIf(hasShared("coco100-dev") && hasShared("raccoon-voc"))("finds no fault in real sets", async () => {
    const coco = await check(await unpackShared("coco100-dev"), "--photos", "--json");
    expect(coco.code).toBe(0);
    expect(JSON.parse(coco.out).splits).toMatchObject([
      { photos: 100, objects: { objects: 746, masks: 746, crowds: 6 } },
    ]);
    const raccoons = await check(await unpackShared("raccoon-voc"), "--photos", "--json");
    expect(JSON.parse(raccoons.out)).toMatchObject({
      classes: ["raccoon"],
      splits: [
        { name: "trainval", photos: 160 },
        { name: "test", photos: 40 },
      ],
      faults: { total: 0 },
    });
  });
});
