import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/store/dataset.js";
import { salmask } from "../support/command-line.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

const DAY_MS = 24 * 3600 * 1000;

/** A folder with two caches of four photos. The one of 4 px was last used 31 days ago, the one of 8 px now. */
async function twoCaches(): Promise<{ photos: string; folder: string; recent: string; old: string }> {
  const root = await temporaryFolder();
  const [photos, folder] = [join(root, "photos"), join(root, "cache")];
  await writePhotos(photos, 4, 8, ["red", "blue"]);
  (await openDataset(photos, { size: 4, cacheDir: folder })).close();
  const [old] = await readdir(folder);
  const then = new Date(Date.now() - 31 * DAY_MS);
  await utimes(join(folder, old, "index.json"), then, then);
  (await openDataset(photos, { size: 8, cacheDir: folder })).close();
  const [recent] = (await readdir(folder)).filter((name) => name !== old);
  return { photos, folder, recent, old };
}

describe("salmask cache list", () => {
  it("lists the caches, the last used first", async () => {
    const { photos, folder, recent, old } = await twoCaches();
    const { code, out } = await salmask("cache", "list", "--folder", folder);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.map((line) => line.trim().split(", ")[0])).toEqual([
      recent,
      "4 photos of 8 px",
      `made from ${photos}`,
      old,
      "4 photos of 4 px",
      `made from ${photos}`,
      "2 caches",
    ]);
    expect(lines[4]).toContain(new Date(Date.now() - 31 * DAY_MS).toISOString().slice(0, 10));
  });

  it("prints one JSON document, and no error if the folder does not exist", async () => {
    const { folder, recent, old } = await twoCaches();
    const { out } = await salmask("cache", "list", "--folder", folder, "--json");
    const names = JSON.parse(out).caches.map(({ name }: { name: string }) => name);
    expect(names).toEqual([recent, old]);
    const missing = await salmask("cache", "list", "--folder", join(folder, "gone"), "--json");
    expect(missing).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(missing.out).caches).toEqual([]);
  });
});

describe("salmask cache clean", () => {
  it("removes caches that were not used for 30 days", async () => {
    const { folder, recent, old } = await twoCaches();
    const { code, out } = await salmask("cache", "clean", "--folder", folder);
    expect(code).toBe(0);
    expect(out).toContain(old);
    expect(out).toContain("removed 1 cache,");
    expect(await readdir(folder)).toEqual([recent]);
  });

  it("removes caches that were not used for the given days, or the named ones", async () => {
    const { folder, recent, old } = await twoCaches();
    await salmask("cache", "clean", "--unused-for", "32d", "--folder", folder);
    expect(await readdir(folder)).toHaveLength(2);
    await salmask("cache", "clean", recent, "--folder", folder);
    expect(await readdir(folder)).toEqual([old]);
    await salmask("cache", "clean", "--unused-for", "0d", "--folder", folder);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([["--unused-for", "30"], ["--unused-for", "-1d"], ["--unused-for", "all"], ["nobody"]])(
    "refuses %s %s with 2 and removes nothing",
    async (...args) => {
      const { folder } = await twoCaches();
      const { code, err } = await salmask("cache", "clean", ...args, "--folder", folder);
      expect(code).toBe(2);
      expect(err).toContain("Expected");
      expect(await readdir(folder)).toHaveLength(2);
    },
  );

  it("rejects names together with --unused-for", async () => {
    const { folder, old } = await twoCaches();
    const { code, err } = await salmask("cache", "clean", old, "--unused-for", "3d", "--folder", folder);
    expect(code).toBe(2);
    expect(err).toContain("got both");
    expect(await readdir(folder)).toHaveLength(2);
  });
});
