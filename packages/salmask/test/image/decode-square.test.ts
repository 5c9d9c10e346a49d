import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { WeightedSemaphore } from "../../src/base/weighted-semaphore.js";
import { decodedBytes, decodeSquare } from "../../src/image/decode-square.js";
import { plain, quarters, rgb } from "../data/fixtures.js";

/** Records the largest amount that was held at once. */
class Watched extends WeightedSemaphore {
  most = 0;

  override async acquire(weight: number): Promise<() => void> {
    const release = await super.acquire(weight);
    this.most = Math.max(this.most, this.held);
    return release;
  }
}

describe("decodedBytes", () => {
  const photo = () => rgb(quarters(40, 20), 40, 20);
  const formats = {
    "baseline JPEG": () => photo().jpeg(),
    "progressive JPEG": () => photo().jpeg({ progressive: true }),
    PNG: () => photo().png(),
    "interlaced 16-bit PNG": () => photo().toColourspace("rgb16").png({ progressive: true }),
    WebP: () => photo().webp(),
    GIF: () => photo().gif(),
    TIFF: () => photo().tiff(),
    AVIF: () => photo().avif(),
  };

  test.each(Object.entries(formats))(
    "of a %s is at least its RGB pixels, from the header",
    async (name, make) => {
      const bytes = await make().toBuffer();
      const expected = await decodedBytes(bytes);
      expect(expected).toBeGreaterThanOrEqual(3 * 40 * 20);
      expect(expected).toBeLessThanOrEqual(19 * 40 * 20);
      if (name === "baseline JPEG") expect(expected).toBe(3 * 40 * 20);
    },
  );

  test("is 0 for files that are rejected before decoding", async () => {
    expect(await decodedBytes(Buffer.from("no photo"))).toBe(0);
    const png = Buffer.from(await photo().png().toBuffer());
    png.writeUInt32BE(100_000, 16);
    png.writeUInt32BE(100_000, 20);
    expect(await decodedBytes(png)).toBe(0);
  });
});

describe("a photo that would take too much memory or time", () => {
  /** A PNG of one pixel whose header says that it has other sides, depth and interlacing. */
  async function saying(side: number, bits: number, interlaced: number): Promise<Buffer> {
    const png = Buffer.from(
      await rgb(plain(1, 1, 1), 1, 1)
        .png()
        .toBuffer(),
    );
    png.writeUInt32BE(side, 16);
    png.writeUInt32BE(side, 20);
    png.set([bits], 24);
    png.set([interlaced], 28);
    return png;
  }

  test.each([
    [16_384, 8, 0, "at most 235714285 pixels"],
    [12_000, 16, 0, "at most 137500000 pixels"],
    [10_000, 16, 1, "at most 86842105 pixels"],
    [9_000, 8, 1, "at most 67108864 pixels of an interlaced PNG"],
  ])(
    "of %i pixels a side, %i bits and interlacing %i is refused before it is decoded",
    async (side, bits, interlaced, why) => {
      await expect(decodeSquare(await saying(side, bits, interlaced), 8)).rejects.toThrow(why);
    },
  );

  test("is not a large one that is decoded row by row", async () => {
    expect(await decodedBytes(await saying(15_000, 8, 0))).toBe(7 * 15_000 ** 2);
    expect(await decodedBytes(await saying(8_000, 8, 1))).toBe(11 * 8_000 ** 2);
  });
});

describe("decodeSquare", () => {
  test("gives the photo's pixels and its size", async () => {
    const { planes, original } = await decodeSquare(
      await rgb(plain(3, 20, 10), 20, 10)
        .png()
        .toBuffer(),
      4,
    );
    expect(original).toEqual([10, 20]);
    expect(Array.from(planes)).toEqual(
      Array.from(plain(3, 1, 1)).flatMap((value) => new Array(16).fill(value)),
    );
  });

  test("keeps the sum of all decoders within the budget, also after errors", async () => {
    const budget = new Watched(2.5 * 7 * 300 * 200);
    const png = await rgb(plain(1, 300, 200), 300, 200)
      .png()
      .toBuffer();
    const cut = png.subarray(0, png.length - 20);
    const wide = await sharp({ create: { width: 900, height: 900, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const photos = [png, png, cut, wide, png, Buffer.from("no photo"), cut, png, wide, png];
    const done = await Promise.allSettled(photos.map((bytes) => decodeSquare(bytes, 8, { budget })));
    const failed = done.flatMap(({ status }, i) => (status === "rejected" ? [i] : []));
    expect(failed).toEqual([2, 5, 6]);
    expect(budget.most).toBe(budget.capacity); // the wide photos, each alone
    expect(budget.held).toBe(0);
  });
});
