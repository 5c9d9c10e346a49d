import { readdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { InterruptedError } from "../../../src/base/errors.js";
import { openDataset } from "../../../src/data/store/dataset.js";
import { entriesOf, plain, rgb, temporaryFolder, writeFiles, writeTar } from "../fixtures.js";

async function manyPhotos(): Promise<{ photos: string; cacheDir: string }> {
  const root = await temporaryFolder();
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < 60; i++) {
    files[`photos/${i}.png`] = await rgb(plain(i, 9, 9), 9, 9)
      .png()
      .toBuffer();
  }
  await writeFiles(root, files);
  return { photos: join(root, "photos"), cacheDir: join(root, "cache") };
}

describe("stopping while photos are decoded", () => {
  test.each(["folder", "archive"])(
    "of a %s: an error with the progress, and no files are left",
    async (kind) => {
      const { photos, cacheDir } = await manyPhotos();
      const path = kind === "folder" ? photos : `${photos}.tar`;
      if (kind === "archive") await writeTar(path, await entriesOf(photos, "photos/"));
      const stop = new AbortController();
      let decoded = 0;
      const onProgress = ({ done }: { done: number }) => {
        decoded = done;
        if (done === 10) stop.abort();
      };
      const opening = openDataset(path, { size: 8, cacheDir, onProgress, signal: stop.signal });
      const error = await opening.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(InterruptedError);
      const total = kind === "folder" ? " of 60" : "";
      expect(error).toMatchObject({
        exitCode: 130,
        message: expect.stringContaining(`after 10${total} photos`),
      });
      expect(decoded).toBe(10);
      expect(await readdir(cacheDir)).toEqual([]);
      const dataset = await openDataset(path, { size: 8, cacheDir, signal: new AbortController().signal });
      expect(dataset).toHaveLength(60);
      dataset.close();
    },
  );

  test("before decoding begins, and while an archive is searched for its first photo", async () => {
    const { photos, cacheDir } = await manyPhotos();
    const options = { size: 8, cacheDir };
    await expect(openDataset(photos, { ...options, signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      InterruptedError,
    );
    const content = Buffer.alloc(2 ** 20);
    await writeTar(
      `${photos}.tar`,
      Array.from({ length: 100 }, (_, i) => ({ name: `${i}.mp4`, content })),
    );
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    await expect(openDataset(`${photos}.tar`, { ...options, signal: stop.signal })).rejects.toBeInstanceOf(
      InterruptedError,
    );
    expect(await readdir(cacheDir).catch(() => [])).toEqual([]);
  });

  test("photos that wait for memory are not decoded any more", async () => {
    const root = await temporaryFolder();
    const large = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: "navy" } })
      .png()
      .toBuffer();
    const files = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`p/${i}.png`, large]));
    await writeFiles(root, files);
    const stop = new AbortController();
    let decoded = 0;
    const opening = openDataset(join(root, "p"), {
      size: 8,
      cacheDir: join(root, "c"),
      signal: stop.signal,
      onProgress: () => {
        decoded++;
        stop.abort();
      },
    });
    await expect(opening).rejects.toBeInstanceOf(InterruptedError);
    expect(decoded).toBe(1);
  });
});
