import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DataError, UsageError } from "../../../src/base/errors.js";
import { blend, type Pose, poseDrawing } from "../../../src/data/embedded/compose.js";
import {
  concepts,
  type Drawing,
  distractors,
  hands,
  loadDrawings,
} from "../../../src/data/embedded/drawings.js";
import { type EmbeddedAnnotations, generateEmbedded } from "../../../src/data/embedded/generate.js";
import {
  type PictureKit,
  paintBackground,
  placeObject,
  recipes,
} from "../../../src/data/embedded/picture.js";
import { type Difficulty, difficulties } from "../../../src/data/embedded/settings.js";

/** Drawing fails at this picture of the train split; -1 means never. */
const failure = vi.hoisted(() => ({ index: -1 }));
vi.mock("../../../src/data/embedded/picture.js", async (original) => {
  const real = await original<typeof import("../../../src/data/embedded/picture.js")>();
  const drawPicture: typeof real.drawPicture = (kit, key) => {
    if (key.index === failure.index) throw new Error("no space left");
    return real.drawPicture(kit, key);
  };
  return { ...real, drawPicture };
});

let root: string;
let demo: string;
let hard: string;
let drawings: Drawing[][];
const demoOptions = { seed: 3, train: 43, test: 20 };
const hardOptions = { seed: 4, train: 500, test: 500, size: 32, difficulty: "hard" } as const;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "salmask-embedded-"));
  demo = (await generateEmbedded(join(root, "demo"), demoOptions)).folder;
  hard = (await generateEmbedded(join(root, "hard"), hardOptions)).folder;
  drawings = await loadDrawings([...concepts, ...distractors], 64);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const kitOf = (difficulty: Difficulty, size: number, classes: number): PictureKit => ({
  size,
  difficulty,
  classes: drawings.slice(0, classes),
  distractors: drawings.slice(concepts.length).flat(),
});

const readAnnotations = async (folder: string): Promise<EmbeddedAnnotations> =>
  JSON.parse(await readFile(join(folder, "annotations.json"), "utf8"));

/** The pixels in the file, without sharp's conversion of grey to colour. */
async function pixelsOf(path: string): Promise<Buffer> {
  const picture = sharp(path);
  const { space, width, height, channels } = await picture.metadata();
  const data = await picture.toColourspace(space).raw().toBuffer();
  expect(data).toHaveLength(width * height * channels);
  return data;
}

/** Every file below a folder with its bytes. */
async function contents(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = async (path: string) =>
    [path.slice(folder.length), (await readFile(path)).toString("base64")] as const;
  return new Map(await Promise.all(files.sort().map(read)));
}

describe("generateEmbedded", () => {
  it("writes the same bytes for the same options and others for another seed", async () => {
    const again = await generateEmbedded(join(root, "again"), demoOptions);
    const other = await generateEmbedded(join(root, "other"), { ...demoOptions, seed: 5 });
    const first = await contents(demo);
    expect(first.size).toBe(2 * (43 + 20) + 2);
    expect(await contents(again.folder)).toEqual(first);
    const changed = await contents(other.folder);
    const pictures = [...first.keys()].filter((name) => /^\/(train|test)/.test(name));
    for (const name of pictures) expect(changed.get(name)).not.toBe(first.get(name));
  });

  it("draws a split's pictures independently of the other split's size", async () => {
    const fewer = await generateEmbedded(join(root, "fewer"), { ...demoOptions, test: 0, train: 12 });
    const all = await contents(demo);
    const files = await contents(fewer.folder);
    const pictures = [...files.keys()].filter((name) => name.endsWith(".png"));
    expect(pictures).toHaveLength(24);
    for (const name of pictures) expect(files.get(name)).toBe(all.get(name));
  });

  it("never draws a picture twice", async () => {
    for (const folder of [demo, hard]) {
      const files = [...(await contents(folder))].filter(([name]) => /^\/(train|test)/.test(name));
      expect(new Set(files.map(([, bytes]) => bytes)).size).toBe(files.length);
    }
  });

  it("annotates every picture with its file, class folder and mask, with class counts that differ by at most one", async () => {
    const { classes, images, size } = await readAnnotations(demo);
    expect(classes).toEqual(concepts.slice(0, 10));
    expect(size).toBe(64);
    for (const split of ["train", "test"] as const) {
      const ofSplit = images.filter((image) => image.split === split);
      expect(ofSplit).toHaveLength(demoOptions[split]);
      const counts = await Promise.all(
        classes.map(async (name) => (await readdir(join(demo, split, name))).length),
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      for (const { id, label, file, mask } of ofSplit) {
        expect(file).toBe(`${split}/${classes[label]}/${id}.png`);
        expect((await stat(join(demo, file))).isFile()).toBe(true);
        expect((await stat(join(demo, mask))).isFile()).toBe(true);
      }
    }
    expect(new Set(images.map((image) => image.hand))).toEqual(new Set(hands));
  });

  it("writes masks that are white for alpha above one half", async () => {
    const { images } = await readAnnotations(demo);
    const kit = kitOf("demo", 64, 10);
    for (const image of images.filter((_, i) => i % 3 === 0)) {
      const key = { seed: demoOptions.seed, split: image.split, index: Number(image.id.slice(-5)) };
      const { layer, left, top } = placeObject(kit, key);
      // On black and on white, the same object differs by 255 times its transparency; this gives its alpha.
      const black = new Float32Array(64 * 64 * 3);
      const white = new Float32Array(64 * 64 * 3).fill(255);
      blend(black, 64, layer, left, top);
      blend(white, 64, layer, left, top);
      const { canvas } = paintBackground(kit, key, image.label);
      const mask = await pixelsOf(join(demo, image.mask));
      const picture = await pixelsOf(join(demo, image.file));
      expect(mask).toHaveLength(64 * 64);
      expect(picture).toHaveLength(64 * 64 * 3);
      const wrong: number[] = [];
      let farthest = 0;
      for (let i = 0; i < 64 * 64; i++) {
        const alpha = 1 - (white[3 * i + 1] - black[3 * i + 1]) / 255;
        if (Math.abs(alpha - 0.5) > 1e-4 && mask[i] !== (alpha > 0.5 ? 255 : 0)) wrong.push(i);
        for (let c = 0; c < 3; c++) {
          const value = canvas[3 * i + c] * (1 - alpha) + black[3 * i + c];
          farthest = Math.max(farthest, Math.abs(picture[3 * i + c] - value));
        }
      }
      expect(wrong).toEqual([]);
      expect(farthest).toBeLessThanOrEqual(0.51);
    }
  });

  it("gives the bounding box and the share of each mask", async () => {
    for (const folder of [demo, hard]) {
      const { images, size } = await readAnnotations(folder);
      for (const image of images.filter((_, i) => i % 7 === 0)) {
        const data = await pixelsOf(join(folder, image.mask));
        const lit = [...data.keys()].filter((i) => data[i] === 255);
        const columns = lit.map((i) => i % size);
        const rows = lit.map((i) => Math.floor(i / size));
        const [x, y] = [Math.min(...columns), Math.min(...rows)];
        expect(image.box).toEqual([x, y, Math.max(...columns) - x + 1, Math.max(...rows) - y + 1]);
        expect(image.share).toBe(lit.length / size ** 2);
      }
    }
  });

  it("keeps the object's share within the difficulty's limits and uses most of their range", async () => {
    for (const [folder, least, most] of [
      [demo, 0.12, 0.45],
      [hard, 0.04, 0.15],
    ] as const) {
      const shares = (await readAnnotations(folder)).images.map((image) => image.share);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...shares)).toBeLessThanOrEqual(most);
      expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThan(0.7 * (most - least));
    }
  });

  it("makes scenes depend on classes only in the train split of hard", async () => {
    const { images, classes } = await readAnnotations(hard);
    const rate = (split: string) => {
      const ofSplit = images.filter((image) => image.split === split);
      return ofSplit.filter((image) => image.style === image.label).length / ofSplit.length;
    };
    expect(rate("train")).toBeGreaterThan(0.75);
    expect(rate("train")).toBeLessThan(0.85);
    expect(rate("test")).toBeLessThan(2 / classes.length);
    expect((await readAnnotations(demo)).images.every((image) => image.style === undefined)).toBe(true);

    const key = { seed: 1, split: "train", index: 6 } as const;
    const background = (difficulty: Difficulty, label: number) =>
      paintBackground(kitOf(difficulty, 32, 10), key, label).canvas;
    expect(background("demo", 2)).toEqual(background("demo", 7));
    expect(background("medium", 2)).not.toEqual(background("medium", 7));
    expect(background("hard", 2)).not.toEqual(background("hard", 7));
  });

  it("keeps an existing equal data set, and replaces a damaged or different one", async () => {
    const folder = join(root, "kept");
    const options = { train: 4, test: 2, size: 32, classes: 2 };
    expect((await generateEmbedded(folder, options)).generated).toBe(true);
    const [first, written] = [await contents(folder), await stat(join(folder, "embedded.json"))];
    expect((await generateEmbedded(folder, options)).generated).toBe(false);
    expect((await stat(join(folder, "embedded.json"))).ino).toBe(written.ino);

    await rm(join(folder, "train/banana/train-00001.png"));
    expect((await generateEmbedded(folder, options)).generated).toBe(true);
    expect(await contents(folder)).toEqual(first);

    const smaller = await generateEmbedded(folder, { ...options, train: 3 });
    expect(smaller.generated).toBe(true);
    expect((await readAnnotations(folder)).images).toHaveLength(5);
  });

  it("keeps the older data set and leaves nothing behind when it fails in the middle", async () => {
    const parent = join(root, "failing");
    const folder = join(parent, "set");
    await generateEmbedded(folder, { train: 4, test: 2, size: 32, classes: 2 });
    const before = await contents(folder);
    failure.index = 5;
    try {
      await expect(generateEmbedded(folder, { train: 9, size: 32, classes: 2 })).rejects.toThrow(
        "no space left",
      );
    } finally {
      failure.index = -1;
    }
    expect(await readdir(parent)).toEqual(["set"]);
    expect(await contents(folder)).toEqual(before);
  });

  it("refuses a folder with other files and leaves them there", async () => {
    const folder = join(root, "holiday");
    await mkdir(folder);
    await writeFile(join(folder, "beach.jpg"), "photo");
    await expect(generateEmbedded(folder)).rejects.toMatchObject({
      code: "embedded-folder-taken",
      exitCode: 2,
    });
    expect(await readdir(folder)).toEqual(["beach.jpg"]);
    const file = join(folder, "beach.jpg");
    await expect(generateEmbedded(file)).rejects.toThrow(DataError);
    expect(await readFile(file, "utf8")).toBe("photo");
  });

  it.each([
    [{ classes: 21 }, "embedded-classes", /from 2 to 20, got 21/],
    [{ classes: 1 }, "embedded-classes", /from 2 to 20, got 1/],
    [{ train: 0 }, "embedded-train", /from 1 to 99999, got 0/],
    [{ test: -1 }, "embedded-test", /got -1/],
    [{ size: 31 }, "embedded-size", /from 32 to 512, got 31/],
    [{ seed: 0.5 }, "embedded-seed", /whole number/],
  ])("refuses %o", async (options, code, message) => {
    const call = generateEmbedded(join(root, "refused"), options);
    await expect(call).rejects.toThrow(UsageError);
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toMatchObject({ code });
    expect(await readdir(root)).not.toContain("refused");
  });

  it("leaves no temporary folder behind", async () => {
    expect((await readdir(root)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

describe("the drawings", () => {
  it.each(difficulties)("all lie in a %s picture as a whole, at any place", (difficulty) => {
    const kit = kitOf(difficulty, 32, concepts.length);
    const [least, most] = recipes[difficulty].share;
    const seen = new Set<string>();
    for (let index = 0; index < 600; index++) {
      const { layer, left, top, label, hand } = placeObject(kit, { seed: 0, split: "test", index });
      seen.add(`${concepts[label]} ${hand}`);
      const { box, area } = layer;
      expect(left + box.x).toBeGreaterThanOrEqual(0);
      expect(top + box.y).toBeGreaterThanOrEqual(0);
      expect(left + box.x + box.width).toBeLessThanOrEqual(32);
      expect(top + box.y + box.height).toBeLessThanOrEqual(32);
      expect(area / 1024).toBeGreaterThanOrEqual(least);
      expect(area / 1024).toBeLessThanOrEqual(most);
    }
    expect(seen.size).toBe(concepts.length * hands.length);
  });

  it("are rejected by name if a set has no such icon", async () => {
    await expect(loadDrawings(["no-such-thing"], 16)).rejects.toMatchObject({ code: "drawing-missing" });
  });

  const pose: Pose = {
    side: 64,
    angle: 0,
    mirror: false,
    gain: [1, 1, 1],
    phase: [0, 0],
    part: [0, 0, 1, 1],
  };

  /** Pixel (x, y) of the drawing's square in a layer at its original size. */
  const pixel = (posed: ReturnType<typeof poseDrawing>, x: number, y: number) => {
    const corner = (posed.side - 1) / 2 - 32;
    const at = ((y + corner) * posed.side + x + corner) * 4;
    return [...posed.pixels.subarray(at, at + 4)];
  };

  it("are unchanged at their own size, reversed after half a turn, mirrored by a flip", () => {
    const car = drawings[concepts.indexOf("automobile")][0];
    const [still, turned, mirrored] = [{}, { angle: Math.PI }, { mirror: true }].map((change) =>
      poseDrawing(car, { ...pose, ...change }),
    );
    for (let y = 0; y < 64; y += 3) {
      for (let x = 0; x < 64; x += 3) {
        const source = [...car.levels[0].pixels.subarray((y * 64 + x) * 4, (y * 64 + x) * 4 + 4)];
        expect(pixel(still, x, y)).toEqual(source);
        expect(pixel(mirrored, 63 - x, y)).toEqual(source);
        for (const [c, value] of pixel(turned, 63 - x, 63 - y).entries())
          expect(value).toBeCloseTo(source[c], 3);
      }
    }
  });

  it("rotate clockwise for a positive angle: the top moves to the right", () => {
    const car = drawings[concepts.indexOf("automobile")][0];
    const quarter = poseDrawing(car, { ...pose, angle: Math.PI / 2 });
    for (const [x, y] of [
      [10, 40],
      [50, 20],
      [31, 33],
    ]) {
      const source = car.levels[0].pixels.subarray((y * 64 + x) * 4, (y * 64 + x) * 4 + 4);
      for (const [c, value] of pixel(quarter, 63 - y, x).entries()) expect(value).toBeCloseTo(source[c], 2);
    }
  });

  it("keep their mean colour and cover at every level", () => {
    const mean = (values: Float32Array, c: number) =>
      values.reduce((sum, value, i) => (i % 4 === c ? sum + value : sum), 0) / (values.length / 4);
    for (const drawing of drawings.flat()) {
      for (const level of drawing.levels) {
        expect(level.pixels).toHaveLength(level.side ** 2 * 4);
        for (let c = 0; c < 4; c++) {
          expect(mean(level.pixels, c)).toBeCloseTo(mean(drawing.levels[0].pixels, c), 3);
        }
      }
    }
  });
});
