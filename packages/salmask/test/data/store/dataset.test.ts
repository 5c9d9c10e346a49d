import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scope } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import {
  type OpenOptions,
  openDataset,
  type PackedDataset,
  type Rebuild,
} from "../../../src/data/store/dataset.js";
import { squareSize } from "../../../src/data/store/square-size.js";
import { classFolder, entriesOf, plain, rgb, temporaryFolder, writeFiles, writeTar } from "../fixtures.js";

const SIZE = 8;

/** Opens a data set, calls `use`, closes it; counts the photos that were decoded. */
async function opened<T>(
  path: string,
  options: OpenOptions,
  use: (dataset: PackedDataset) => T,
): Promise<T & { decoded: number }> {
  let decoded = 0;
  const dataset = await openDataset(path, { ...options, onProgress: () => decoded++ });
  try {
    return { ...scope(() => use(dataset)), decoded };
  } finally {
    dataset.close();
  }
}

const everything = (dataset: PackedDataset) => ({
  names: dataset.names,
  labels: Array.from(dataset.labels),
  classes: dataset.classes,
  originalSizes: Array.from(dataset.originalSizes),
  skipped: dataset.skipped,
  pixels: dataset.images(dataset.names.map((_, i) => i)).toArray(),
});

describe("what is stored", () => {
  test("classes, labels, names, sizes and pixels of one folder per class", async () => {
    const { photos, cacheDir, names } = await classFolder();
    const found = await opened(photos, { size: SIZE, cacheDir }, (dataset) => ({
      ...everything(dataset),
      path: dataset.path,
      shape: dataset.images([0, 1, 2, 3, 4, 5]).shape,
      dtype: dataset.images([0]).dtype,
    }));
    expect(found).toMatchObject({
      names,
      classes: ["cat", "dog"],
      labels: [0, 0, 0, 1, 1, 1],
      originalSizes: names.flatMap(() => [10, 12]),
      skipped: [],
      path: photos,
      shape: [6, 3, SIZE, SIZE],
      dtype: "uint8",
      decoded: 6,
    });
    const expected = names.flatMap((_, i) =>
      Array.from(plain(i, 1, 1)).flatMap((v) => new Array(SIZE * SIZE).fill(v)),
    );
    expect(found.pixels).toEqual(expected);
  });

  test("images are in the requested order, including repeats; wrong ids and closed sets throw", async () => {
    const { photos, cacheDir } = await classFolder();
    const dataset = await openDataset(photos, { size: SIZE, cacheDir });
    const ids = Int32Array.of(5, 0, 5, 3);
    scope(() => {
      const pixels = dataset.images(ids).toTypedArray();
      for (const [row, id] of ids.entries()) {
        for (let c = 0; c < 3; c++) expect(pixels[(3 * row + c) * SIZE * SIZE]).toBe(plain(id, 1, 1)[c]);
      }
      expect(() => dataset.images([6])).toThrow(/0 to 5, got 6/);
      expect(() => dataset.images([-1])).toThrow(RangeError);
    });
    dataset.close();
    dataset.close();
    expect(() => dataset.images([0])).toThrow("closed");
  });

  test.each([97, 128, 200])(
    "squares of %i pixels, gathered in pieces, hold the photos' pixels",
    async (size) => {
      const root = await temporaryFolder();
      const pixels = [1, 2, 3].map((i) =>
        Uint8Array.from({ length: size * size * 3 }, (_, at) => (at * (2 * i + 5) + (at >> 8)) % 256),
      );
      for (const [i, data] of pixels.entries()) {
        await writeFiles(root, { [`p/${i}.png`]: await rgb(data, size, size).png().toBuffer() });
      }
      const options = { size, cacheDir: join(root, "c") };
      const found = await opened(join(root, "p"), options, (d) => ({
        shown: d.images([2, 0]).toTypedArray(),
      }));
      const area = size * size;
      const expected = new Uint8Array(2 * 3 * area);
      for (const [row, id] of [2, 0].entries()) {
        for (let i = 0; i < 3 * area; i++)
          expected[(3 * row + (i % 3)) * area + Math.floor(i / 3)] = pixels[id][i];
      }
      expect(Buffer.compare(Buffer.from(expected), Buffer.from(found.shown.buffer))).toBe(0);
    },
  );

  test("a flat folder has no labels, and one photo beside the folders takes all labels away", async () => {
    const { photos, cacheDir } = await classFolder();
    await writeFiles(photos, {
      "loose.png": await rgb(plain(9, 4, 4), 4, 4)
        .png()
        .toBuffer(),
    });
    const found = await opened(photos, { size: SIZE, cacheDir }, everything);
    expect(found.classes).toEqual([]);
    expect(found.labels).toEqual(new Array(7).fill(-1));
  });

  test("a folder and its .tar and .tar.gz have the same content", async () => {
    const { photos, cacheDir } = await classFolder();
    await writeFiles(photos, { "dog/bad.jpg": "not a photo" });
    const folder = await opened(photos, { size: SIZE, cacheDir }, everything);
    expect(folder.skipped).toMatchObject([
      { name: "dog/bad.jpg", reason: expect.stringContaining("Expected the content") },
    ]);
    for (const gzip of [false, true]) {
      const archive = `${photos}.tar${gzip ? ".gz" : ""}`;
      await writeTar(archive, await entriesOf(photos, "photos/"), gzip);
      expect(await opened(archive, { size: SIZE, cacheDir }, everything)).toEqual(folder);
      expect((await opened(archive, { size: SIZE, cacheDir }, everything)).decoded).toBe(0);
    }
  });

  test("of two files with the same name in an archive the later one is used", async () => {
    const root = await temporaryFolder();
    const png = (i: number) =>
      rgb(plain(i, SIZE, SIZE), SIZE, SIZE)
        .png()
        .toBuffer();
    const entries = [
      { name: "a.png", content: await png(0) },
      { name: "b.png", content: await png(1) },
      { name: "a.png", content: await png(2) },
    ];
    await writeTar(join(root, "x.tar"), entries);
    const { names, pixels } = await opened(
      join(root, "x.tar"),
      { size: SIZE, cacheDir: join(root, "c") },
      everything,
    );
    expect(names).toEqual(["a.png", "b.png"]);
    expect(pixels[0]).toBe(plain(2, 1, 1)[0]);
  });

  test("damaged photos are skipped and listed, the rest is used", async () => {
    const { photos, cacheDir } = await classFolder();
    const jpeg = await rgb(plain(1, 200, 200), 200, 200)
      .jpeg()
      .toBuffer();
    await writeFiles(photos, {
      "cat/cut.jpg": jpeg.subarray(0, jpeg.length - 40),
      "cat/empty.webp": "",
      "cat/whole.jpg": jpeg,
    });
    const found = await opened(photos, { size: SIZE, cacheDir }, everything);
    expect(found.skipped.map(({ name }) => name)).toEqual(["cat/cut.jpg", "cat/empty.webp"]);
    expect(found.names).toHaveLength(7);
  });
});

describe("reuse", () => {
  test("a second opening decodes nothing; another size does", async () => {
    const { photos, cacheDir } = await classFolder();
    const first = await opened(photos, { size: SIZE, cacheDir }, everything);
    const second = await opened(photos, { size: SIZE, cacheDir }, everything);
    expect(second).toEqual({ ...first, decoded: 0 });
    expect((await opened(photos, { size: 4, cacheDir }, everything)).decoded).toBe(6);
  });

  test("the source is not written to", async () => {
    const { photos, cacheDir, names } = await classFolder();
    await opened(photos, { size: SIZE, cacheDir }, everything);
    expect((await entriesOf(photos, "")).map(({ name }) => name).sort()).toEqual(names);
  });

  test("a photo added, removed, or with another time makes a new cache", async () => {
    const { photos, cacheDir } = await classFolder();
    const options = { size: SIZE, cacheDir };
    const open = () =>
      opened(photos, options, ({ length, fingerprint, sourceStamp }) => ({
        length,
        fingerprint,
        sourceStamp,
      }));
    const first = await open();
    await writeFiles(photos, {
      "dog/new.png": await rgb(plain(8, 5, 5), 5, 5)
        .png()
        .toBuffer(),
    });
    const added = await open();
    expect(added).toMatchObject({ length: 7, decoded: 7 });
    await rm(join(photos, "dog/new.png"));
    expect(await open()).toMatchObject({ length: 6, decoded: 0, fingerprint: first.fingerprint });
    await utimes(join(photos, "cat/0.png"), new Date(1e12), new Date(1e12));
    const touched = await open();
    expect(touched.decoded).toBe(6);
    expect(new Set([first, added, touched].map(({ sourceStamp }) => sourceStamp)).size).toBe(3);
    expect(touched.fingerprint).toBe(first.fingerprint);
    expect(added.fingerprint).not.toBe(first.fingerprint);
  });

  test("a damaged cache is detected and built again", async () => {
    const { photos, cacheDir } = await classFolder();
    const options = { size: SIZE, cacheDir };
    const whole = await opened(photos, options, everything);
    const [key] = await readdir(cacheDir);
    const folder = join(cacheDir, key);
    const [images, index] = [join(folder, "images.bin"), join(folder, "index.json")];
    const text = await readFile(index, "utf8");
    const damages = [
      () => truncate(images, 100),
      () => rm(images),
      () => rm(index),
      () => truncate(index, 50),
      () => writeFile(index, text.replace('"labels":[0,', '"labels":[1,')),
      () => writeFile(index, text.replace('"version":2', '"version":1')),
      () => writeFile(index, "{}"),
    ];
    for (const damage of damages) {
      await damage();
      let rebuilt = "";
      const onRebuild = ({ reason }: Rebuild) => {
        rebuilt = reason;
      };
      expect(await opened(photos, { ...options, onRebuild }, everything)).toEqual(whole);
      expect(rebuilt).toMatch(/(images\.bin|index\.json)/);
      expect(await readdir(cacheDir)).toEqual([key]);
    }
  });

  test("an open data set keeps its photos when its cache is replaced", async () => {
    const { photos, cacheDir } = await classFolder();
    const dataset = await openDataset(photos, { size: SIZE, cacheDir });
    const [key] = await readdir(cacheDir);
    await rm(join(cacheDir, key, "index.json"));
    await opened(photos, { size: SIZE, cacheDir }, everything);
    scope(() => expect(dataset.images([5]).toTypedArray()[0]).toBe(plain(5, 1, 1)[0]));
    dataset.close();
  });

  test("files from a build killed a day ago are removed, those of a running build are not", async () => {
    const { photos, cacheDir } = await classFolder();
    const [old, fresh] = [join(cacheDir, ".building-1-a"), join(cacheDir, ".building-2-b")];
    for (const folder of [old, fresh]) await writeFiles(folder, { "images.bin": "x" });
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(join(old, "images.bin"), yesterday, yesterday);
    await opened(photos, { size: SIZE, cacheDir }, everything);
    await expect(stat(old)).rejects.toThrow();
    await expect(stat(fresh)).resolves.toBeDefined();
  });
});

describe("concurrent builds", () => {
  test("in one process", async () => {
    const { photos, cacheDir } = await classFolder();
    const open = () => opened(photos, { size: SIZE, cacheDir }, everything);
    const found = await Promise.all([open(), open(), open()]);
    for (const one of found) expect({ ...one, decoded: 0 }).toEqual({ ...found[0], decoded: 0 });
    expect(await readdir(cacheDir)).toHaveLength(1);
  });

  test("in three processes", async () => {
    const { photos, cacheDir } = await classFolder();
    const script = fileURLToPath(new URL("./open-dataset.fixture.ts", import.meta.url));
    const processes = [0, 1, 2].map(() =>
      fork(script, [photos, cacheDir, String(SIZE)], { execArgv: ["--import", "tsx"] }),
    );
    const answers = await Promise.all(
      processes.map(async (child) => {
        const exit = once(child, "exit");
        const [answer] = await Promise.race([once(child, "message"), exit]);
        await exit;
        return answer;
      }),
    );
    const here = await opened(photos, { size: SIZE, cacheDir }, everything);
    expect(here.decoded).toBe(0);
    for (const answer of answers) expect(answer).toEqual({ names: here.names, pixels: here.pixels });
    expect(await readdir(cacheDir)).toHaveLength(1);
  });
});

describe("size for a crop", () => {
  test("twice the side of small crops, 8/7 of larger ones, never more than the photos have", () => {
    expect([32, 64, 128].map((crop) => squareSize(crop, 1e4))).toEqual([64, 128, 256]);
    expect([224, 160].map((crop) => squareSize(crop, 1e4))).toEqual([256, 183]);
    expect(squareSize(32, 32)).toBe(32);
  });

  test("is limited by the largest short side of the upright photos", async () => {
    const root = await temporaryFolder();
    const turned = rgb(plain(1, 30, 20), 30, 20)
      .withMetadata({ orientation: 6 })
      .jpeg();
    await writeFiles(join(root, "p"), {
      "a.jpg": await turned.toBuffer(),
      "b.png": await rgb(plain(2, 12, 40), 12, 40)
        .png()
        .toBuffer(),
      "c.jpg": "no photo",
    });
    const cacheDir = join(root, "c");
    const size = (crop: number) =>
      opened(join(root, "p"), { size: "auto", crop, cacheDir }, (dataset) => ({ size: dataset.size }));
    expect(await size(16)).toMatchObject({ size: 20 });
    expect(await size(8)).toMatchObject({ size: 16 });
  });

  test.each([0, 1.5, 5000, Number.NaN])("a size of %s is wrong usage", async (size) => {
    const { photos, cacheDir } = await classFolder();
    await expect(openDataset(photos, { size, cacheDir })).rejects.toMatchObject({
      code: "bad-size",
      exitCode: 2,
    });
  });
});

describe("errors", () => {
  async function failure(files: Record<string, string | Uint8Array>): Promise<DataError> {
    const root = await temporaryFolder();
    await mkdir(join(root, "p"));
    await writeFiles(join(root, "p"), files);
    const error = await openDataset(join(root, "p"), { size: SIZE, cacheDir: join(root, "c") }).catch(
      (e: unknown) => e,
    );
    expect(await readdir(join(root, "c"))).toEqual([]);
    if (!(error instanceof DataError)) throw new Error(`expected a DataError, but got ${error}`);
    return error;
  }

  test("no photos: says what is expected and what was found", async () => {
    expect(await failure({})).toMatchObject({
      code: "no-images",
      message: expect.stringMatching(/\.webp.*no files/),
    });
    const error = await failure({ "a.txt": "", "b.TXT": "", "c.mp4": "", d: "" });
    expect(error).toMatchObject({
      code: "no-images",
      message: expect.stringMatching(/2 of \.txt.*1 of \.mp4/),
    });
  });

  test("only unreadable photos, only one photo", async () => {
    const png = await rgb(plain(1, 4, 4), 4, 4)
      .png()
      .toBuffer();
    expect(await failure({ "a.jpg": "text", "b.png": png.subarray(0, 40) })).toMatchObject({
      code: "unreadable-images",
    });
    const one = await failure({ "a.jpg": "text", "b.png": png });
    expect(one).toMatchObject({
      code: "too-few-images",
      message: expect.stringMatching(/at least 2 .*\(a\.jpg: /),
    });
  });

  test("one photo is opened where one is enough, and refused where it is not", async () => {
    const root = await temporaryFolder();
    const photos = join(root, "p");
    const png = await rgb(plain(1, 4, 4), 4, 4)
      .png()
      .toBuffer();
    await writeFiles(photos, { "b.png": png });
    const options = { size: SIZE, cacheDir: join(root, "c") };
    const one = await openDataset(photos, { ...options, least: 1 });
    expect(one.names).toEqual(["b.png"]);
    one.close();
    await expect(openDataset(photos, options)).rejects.toMatchObject({ code: "too-few-images" });
  });

  test("a cache that cannot be written", async () => {
    const { photos, cacheDir } = await classFolder();
    await writeFile(cacheDir, "a file is here");
    await expect(openDataset(photos, { size: SIZE, cacheDir })).rejects.toMatchObject({
      code: "cache-not-writable",
    });
  });
});
