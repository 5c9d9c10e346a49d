import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { DataError } from "../../../src/base/errors.js";
import { PhotoLoader } from "../../../src/data/store/photo-loader.js";
import { decodeImage } from "../../../src/image/decode.js";
import { temporaryFolder, writePhotos } from "../../support/photos.js";

const side = 16;
const bytesOfOne = 3 * side * side;

async function photos(count: number): Promise<{ root: string; names: string[] }> {
  const root = await temporaryFolder();
  await writePhotos(root, count, side, ["a"]);
  return { root, names: Array.from({ length: count }, (_, i) => `a/${i}.png`) };
}

it("gives the photos in the order in which they are asked for, decoded ahead or not", async () => {
  const { root, names } = await photos(4);
  const loader = new PhotoLoader({ root, names });
  loader.prefetch(Int32Array.of(1, 3));
  const found = await loader.photos(Int32Array.of(3, 0, 1, 3));
  for (const [place, id] of [3, 0, 1, 3].entries()) {
    const expected = await decodeImage(await readFile(join(root, names[id])));
    expect(found[place]).toEqual(expected);
  }
});

it("keeps what it decoded last, as far as there is room", async () => {
  const { root, names } = await photos(4);
  const loader = new PhotoLoader({ root, names, keptBytes: 2 * bytesOfOne });
  const [first] = await loader.photos(Int32Array.of(0, 1));
  expect((await loader.photos(Int32Array.of(0)))[0]).toBe(first);
  await loader.photos(Int32Array.of(2)); // 1 has to go: 0 was asked for after it
  expect((await loader.photos(Int32Array.of(0)))[0]).toBe(first);
  await loader.photos(Int32Array.of(1, 2, 3));
  expect((await loader.photos(Int32Array.of(0)))[0]).not.toBe(first);
});

it("tells of a photo that cannot be decoded where it is asked for, by its name", async () => {
  const { root, names } = await photos(2);
  await writeFile(join(root, names[1]), "no picture");
  const loader = new PhotoLoader({ root, names: [...names, "a/missing.png"] });
  loader.prefetch(Int32Array.of(1, 2));
  await new Promise((done) => setTimeout(done, 50));
  await loader.photos(Int32Array.of(0));
  await expect(loader.photos(Int32Array.of(0, 1))).rejects.toThrow(DataError);
  await expect(loader.photos(Int32Array.of(1))).rejects.toMatchObject({
    code: "unreadable-photo",
    message: expect.stringContaining("a/1.png"),
  });
  await expect(loader.photos(Int32Array.of(2))).rejects.toThrow(/a\/missing\.png/);
  // A photo that was mended is read again.
  await writeFile(join(root, names[1]), await readFile(join(root, names[0])));
  expect(await loader.photos(Int32Array.of(1))).toEqual(await loader.photos(Int32Array.of(0)));
});
