import { readdir, readFile, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDataset } from "../../../src/data/store/dataset.js";
import { listCaches, removeCaches } from "../../../src/data/store/housekeeping.js";
import { plain, rgb, temporaryFolder, writeFiles } from "../fixtures.js";

const DAY_MS = 24 * 3600 * 1000;

async function pack(photos: string, cacheDir: string, size: number): Promise<void> {
  (await openDataset(photos, { size, cacheDir })).close();
}

/** Two caches of three photos, in squares of 4 and of 8 pixels, and a folder that is not a cache. */
async function twoCaches(): Promise<{ photos: string; cacheDir: string }> {
  const root = await temporaryFolder();
  for (const i of [1, 2, 3]) {
    const png = rgb(plain(i, 9, 9), 9, 9).png();
    await writeFiles(root, { [`photos/${i}.png`]: await png.toBuffer() });
  }
  const [photos, cacheDir] = [join(root, "photos"), join(root, "cache")];
  for (const size of [4, 8]) await pack(photos, cacheDir, size);
  await writeFiles(cacheDir, { "notes.txt": "mine", "folder/photo.jpg": "mine" });
  return { photos, cacheDir };
}

async function lastUsedDaysAgo(folder: string, days: number): Promise<void> {
  const then = new Date(Date.now() - days * DAY_MS);
  await utimes(join(folder, "index.json"), then, then);
}

describe("listCaches", () => {
  test("returns the source, the bytes and the last use of each, and nothing else", async () => {
    const { photos, cacheDir } = await twoCaches();
    const [first] = (await listCaches(cacheDir)).filter(({ size }) => size === 4);
    await lastUsedDaysAgo(first.folder, 3);
    const caches = await listCaches(cacheDir);
    expect(caches.map(({ source, photos: count, size }) => ({ source, count, size }))).toEqual([
      { source: photos, count: 3, size: 8 },
      { source: photos, count: 3, size: 4 },
    ]);
    for (const { folder, bytes, name } of caches) {
      const sizes = await Promise.all(["images.bin", "index.json"].map((file) => stat(join(folder, file))));
      expect(bytes).toBe(sizes[0].size + sizes[1].size);
      expect(folder).toBe(join(cacheDir, name));
    }
    expect(Date.now() - caches[1].lastUsed.getTime()).toBeGreaterThanOrEqual(3 * DAY_MS);
    await pack(photos, cacheDir, 4);
    expect((await listCaches(cacheDir)).map(({ size }) => size)).toEqual([4, 8]);
  });

  test("is empty without a folder, and includes caches of older versions and incomplete ones", async () => {
    const { cacheDir } = await twoCaches();
    expect(await listCaches(join(cacheDir, "gone"))).toEqual([]);
    const old = { version: 1, checksum: "", content: { source: "/photos", size: 16, names: ["a.jpg"] } };
    await writeFiles(cacheDir, {
      [`${"a".repeat(32)}/index.json`]: JSON.stringify(old),
      [`${"b".repeat(32)}/images.bin`]: "12345",
      ".building-1-x/images.bin": "123",
    });
    const found = new Map((await listCaches(cacheDir)).map((cache) => [cache.name, cache]));
    expect(found.get("a".repeat(32))).toMatchObject({ source: "/photos", photos: 1, size: 16 });
    expect(found.get("b".repeat(32))).toMatchObject({ source: null, photos: null, bytes: 5 });
    expect(found.get(".building-1-x")).toMatchObject({ bytes: 3 });
  });
});

describe("removeCaches", () => {
  test("removes caches that were not used for some days, and keeps other files", async () => {
    const { cacheDir } = await twoCaches();
    const [recent, old] = await listCaches(cacheDir);
    await lastUsedDaysAgo(old.folder, 8);
    expect(await removeCaches({ unusedForDays: 9 }, cacheDir)).toEqual([]);
    expect(await removeCaches({ unusedForDays: 7 }, cacheDir)).toMatchObject([{ name: old.name }]);
    expect((await readdir(cacheDir)).sort()).toEqual([recent.name, "folder", "notes.txt"].sort());
    await expect(removeCaches({ unusedForDays: Number.NaN }, cacheDir)).rejects.toMatchObject({
      code: "bad-days",
    });
  });

  test("removes by name; an unknown one removes nothing", async () => {
    const { cacheDir } = await twoCaches();
    const [first, second] = await listCaches(cacheDir);
    for (const other of ["folder", "..", `${first.name}/..`]) {
      await expect(removeCaches({ names: [first.name, other] }, cacheDir)).rejects.toMatchObject({
        code: "no-such-cache",
      });
    }
    expect(await listCaches(cacheDir)).toHaveLength(2);
    expect(await removeCaches({ names: [first.name] }, cacheDir)).toMatchObject([{ name: first.name }]);
    expect(await listCaches(cacheDir)).toMatchObject([{ name: second.name }]);
    expect(await readFile(join(cacheDir, "notes.txt"), "utf8")).toBe("mine");
  });

  test("does not remove a cache that another process is building", async () => {
    const { cacheDir } = await twoCaches();
    await writeFiles(cacheDir, { ".building-1-x/images.bin": "123" });
    await removeCaches({ unusedForDays: 0 }, cacheDir);
    expect((await readdir(cacheDir)).sort()).toEqual([".building-1-x", "folder", "notes.txt"]);
  });
});
