/** Photos that could not be read when a cache was built. */
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { openFolder } from "../../../src/data/sources/folder.js";
import type { ImageSource } from "../../../src/data/sources/image-source.js";
import { openDataset, type Rebuild } from "../../../src/data/store/dataset.js";
import { classFolder } from "../fixtures.js";

const SIZE = 8;

test("a photo that could not be read is tried again when the cache is opened", async () => {
  const { photos, cacheDir, names } = await classFolder();
  const fault = Object.assign(new Error("EIO: a fault of the disk"), { code: "EIO" });
  let [isBroken, reads] = [true, 0];
  const folder = await openFolder(photos);
  const source: ImageSource = {
    ...folder,
    async *images(signal) {
      for await (const image of folder.images(signal)) {
        const read = async () => {
          reads++;
          if (isBroken && image.name === names[3]) throw fault;
          return image.read();
        };
        yield { name: image.name, read, release: image.release };
      }
    },
  };
  const rebuilds: Rebuild[] = [];
  const open = async () => {
    const dataset = await openDataset(source, {
      size: SIZE,
      cacheDir,
      onRebuild: (rebuild) => rebuilds.push(rebuild),
    });
    dataset.close();
    return { photos: dataset.length, skipped: dataset.skipped.length };
  };
  expect(await open()).toEqual({ photos: 5, skipped: 1 });
  expect(await open()).toEqual({ photos: 5, skipped: 1 });
  expect(rebuilds).toEqual([]);
  isBroken = false;
  expect(await open()).toEqual({ photos: 6, skipped: 0 });
  expect(rebuilds).toMatchObject([{ reason: `${names[3]} could not be read before and can be read now` }]);
  reads = 0;
  expect(await open()).toEqual({ photos: 6, skipped: 0 });
  expect(reads).toBe(0);
});

test("a source that fails as a whole ends the packing, so that no photo is missing later", async () => {
  const { photos, cacheDir } = await classFolder();
  const folder = await openFolder(photos);
  const source: ImageSource = {
    ...folder,
    async *images() {
      yield {
        name: "a.png",
        read: async () => {
          throw new DataError("shard-unreachable", "got no answer");
        },
        release() {},
      };
    },
  };
  await expect(openDataset(source, { size: SIZE, cacheDir })).rejects.toMatchObject({
    code: "shard-unreachable",
  });
  expect(await readdir(cacheDir)).toEqual([]);
});
