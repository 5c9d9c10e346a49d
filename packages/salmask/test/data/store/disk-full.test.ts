import type { FileHandle } from "node:fs/promises";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { openDataset } from "../../../src/data/store/dataset.js";
import { plain, rgb, temporaryFolder, writeFiles } from "../fixtures.js";

const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY, writesFail: false }));

vi.mock("node:fs/promises", async (importActual) => {
  const actual = await importActual<typeof import("node:fs/promises")>();
  return {
    ...actual,
    statfs: async () => ({ bavail: disk.free, bsize: 1 }),
    open: async (path: string, flags: string): Promise<FileHandle> => {
      const file = await actual.open(path, flags);
      if (disk.writesFail && path.endsWith("images.bin")) {
        file.appendFile = async () => {
          throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        };
      }
      return file;
    },
  };
});

afterEach(() => Object.assign(disk, { free: Number.POSITIVE_INFINITY, writesFail: false }));

async function threePhotos(): Promise<{ photos: string; cacheDir: string }> {
  const root = await temporaryFolder();
  for (const i of [1, 2, 3]) {
    await writeFiles(root, {
      [`p/${i}.png`]: await rgb(plain(i, 9, 9), 9, 9)
        .png()
        .toBuffer(),
    });
  }
  return { photos: join(root, "p"), cacheDir: join(root, "c") };
}

const BYTES = 3 * 3 * 8 * 8;

test("too little space is reported before anything is decoded", async () => {
  const { photos, cacheDir } = await threePhotos();
  disk.free = BYTES - 1;
  let decoded = 0;
  const opening = openDataset(photos, { size: 8, cacheDir, onProgress: () => decoded++ });
  await expect(opening).rejects.toMatchObject({
    code: "disk-full",
    message: expect.stringMatching(new RegExp(`${BYTES} bytes.*${BYTES - 1} bytes that are free`)),
  });
  expect(decoded).toBe(0);
  expect(await readdir(cacheDir)).toEqual([]);
});

test("a disk that fills up during writing gives an error with the needed bytes and leaves no files", async () => {
  const { photos, cacheDir } = await threePhotos();
  Object.assign(disk, { free: BYTES, writesFail: true });
  await expect(openDataset(photos, { size: 8, cacheDir })).rejects.toMatchObject({
    code: "disk-full",
    message: expect.stringMatching(new RegExp(`${BYTES} bytes.*full disk`)),
  });
  expect(await readdir(cacheDir)).toEqual([]);
});

test("exactly enough space is enough", async () => {
  const { photos, cacheDir } = await threePhotos();
  disk.free = BYTES;
  const dataset = await openDataset(photos, { size: 8, cacheDir });
  expect(dataset).toHaveLength(3);
  dataset.close();
});
