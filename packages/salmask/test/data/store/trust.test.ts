import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { cp, open, readdir, readFile, rename, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import { scope } from "@salmask/torch";
import { describe, expect, test } from "vitest";
import { openDataset, type PackedDataset, type Rebuild } from "../../../src/data/store/dataset.js";
import { entriesOf, plain, rgb, temporaryFolder, writeFiles, writeTar } from "../fixtures.js";

const size = 8;
const rowBytes = 3 * size * size;
const count = 5;

async function fivePhotos(): Promise<{ photos: string; cacheDir: string }> {
  const root = await temporaryFolder();
  for (let i = 0; i < count; i++) {
    const png = rgb(plain(i, 9, 9), 9, 9).png();
    await writeFiles(root, { [`photos/${i}.png`]: await png.toBuffer() });
  }
  return { photos: join(root, "photos"), cacheDir: join(root, "cache") };
}

const pixelsOf = (dataset: PackedDataset) =>
  scope(() => dataset.images(dataset.names.map((_, id) => id)).toArray());

interface Opened {
  readonly rebuilds: Rebuild[];
  readonly decoded: number;
  readonly pixels: unknown;
  readonly fingerprint: string;
  readonly sourceStamp: string;
}

async function look(
  photos: string,
  options: { readonly cacheDir: string; readonly size?: number },
): Promise<Opened> {
  const rebuilds: Rebuild[] = [];
  let decoded = 0;
  const dataset = await openDataset(photos, {
    size,
    ...options,
    onProgress: () => decoded++,
    onRebuild: (rebuild) => rebuilds.push(rebuild),
  });
  const { fingerprint, sourceStamp } = dataset;
  try {
    return { rebuilds, decoded, pixels: pixelsOf(dataset), fingerprint, sourceStamp };
  } finally {
    dataset.close();
  }
}

async function imagesOf(cacheDir: string): Promise<string> {
  const [folder] = await readdir(cacheDir);
  return join(cacheDir, folder, "images.bin");
}

type Change = (bytes: Buffer) => void;

const damages: Record<string, Change> = {
  "one flipped bit": (bytes) => {
    bytes[3 * rowBytes + 17] ^= 4;
  },
  zeros: (bytes) => {
    bytes.fill(0, rowBytes, 2 * rowBytes);
  },
  "exchanged rows": (bytes) => {
    const first = Buffer.from(bytes.subarray(0, rowBytes));
    bytes.copy(bytes, 0, rowBytes, 2 * rowBytes);
    first.copy(bytes, rowBytes);
  },
};

/** Changes the packed bytes in place. */
async function damage(path: string, change: Change): Promise<void> {
  const bytes = await readFile(path);
  change(bytes);
  const file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, 0);
  await file.close();
}

describe("packed photos that changed", () => {
  test.each(Object.keys(damages))("%s, written by someone: built again, and said", async (kind) => {
    const { photos, cacheDir } = await fivePhotos();
    const whole = await look(photos, { cacheDir });
    await damage(await imagesOf(cacheDir), damages[kind]);
    const again = await look(photos, { cacheDir });
    expect(again.pixels).toEqual(whole.pixels);
    expect(again).toMatchObject({
      decoded: count,
      rebuilds: [{ reason: expect.stringMatching(/the square of \d\.png/) }],
    });
    expect(await look(photos, { cacheDir })).toMatchObject({ decoded: 0, rebuilds: [] });
  });

  test.each(Object.keys(damages))(
    "%s, while the set is open: an error, and mended at the next opening",
    async (kind) => {
      const { photos, cacheDir } = await fivePhotos();
      const whole = await look(photos, { cacheDir });
      const dataset = await openDataset(photos, { size, cacheDir });
      await damage(await imagesOf(cacheDir), damages[kind]);
      expect(() => pixelsOf(dataset)).toThrow(
        expect.objectContaining({
          code: "damaged-cache",
          message: expect.stringMatching(
            /the square of \d\.png as it was packed.*Run the same command again/,
          ),
        }),
      );
      dataset.close();
      expect(await look(photos, { cacheDir })).toMatchObject({
        pixels: whole.pixels,
        decoded: count,
        rebuilds: [{ reason: "index.json is missing" }],
      });
    },
  );

  test("a file that gets shorter while it is open is an error, not the end of the process", async () => {
    const { photos, cacheDir } = await fivePhotos();
    const dataset = await openDataset(photos, { size, cacheDir });
    await truncate(await imagesOf(cacheDir), 2 * rowBytes);
    expect(() => pixelsOf(dataset)).toThrow(
      expect.objectContaining({
        code: "damaged-cache",
        message: expect.stringContaining(`${2 * rowBytes} bytes`),
      }),
    );
    dataset.close();
  });

  test("a copied cache with another time is checked once and kept", async () => {
    const { photos, cacheDir } = await fivePhotos();
    const whole = await look(photos, { cacheDir });
    await cp(cacheDir, `${cacheDir}2`, { recursive: true });
    await utimes(await imagesOf(`${cacheDir}2`), new Date(), new Date(1e12));
    for (let round = 0; round < 2; round++) {
      expect(await look(photos, { cacheDir: `${cacheDir}2` })).toMatchObject({
        decoded: 0,
        rebuilds: [],
        pixels: whole.pixels,
      });
    }
  });
});

describe("fingerprint", () => {
  test("is the same for changed file times, a copy, an archive; changes with a byte, a name or the size", async () => {
    const { photos, cacheDir } = await fivePhotos();
    const first = await look(photos, { cacheDir });
    await utimes(join(photos, "0.png"), new Date(1e12), new Date(1e12));
    const touched = await look(photos, { cacheDir });
    await cp(photos, `${photos}2`, { recursive: true });
    const copied = await look(`${photos}2`, { cacheDir });
    await writeTar(`${photos}.tar`, await entriesOf(photos, "photos/"));
    const packed = await look(`${photos}.tar`, { cacheDir });
    expect(new Set([first, touched, copied, packed].map(({ fingerprint }) => fingerprint)).size).toBe(1);
    expect(new Set([first, touched, copied, packed].map(({ sourceStamp }) => sourceStamp)).size).toBe(4);

    const other = await look(photos, { cacheDir, size: 4 });
    const png = await readFile(join(`${photos}2`, "1.png"));
    await writeFiles(`${photos}2`, { "1.png": Buffer.concat([png, Buffer.from("x")]) });
    const changed = await look(`${photos}2`, { cacheDir });
    await rename(join(photos, "4.png"), join(photos, "5.png"));
    const renamed = await look(photos, { cacheDir });
    const all = [first, other, changed, renamed];
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(4);
  });

  test("the stamp is the fingerprint of version 0.1.0", async () => {
    const { photos, cacheDir } = await fivePhotos();
    const { sourceStamp } = await look(photos, { cacheDir });
    const facts = [0, 1, 2, 3, 4].map((i) => {
      const { size: bytes, mtimeMs } = statSync(join(photos, `${i}.png`));
      return JSON.stringify([`${i}.png`, bytes, mtimeMs]);
    });
    const text = ["1", String(size), "folder", photos, ...facts].join("\n");
    expect(sourceStamp).toBe(createHash("sha256").update(text).digest("hex").slice(0, 32));
  });
});
