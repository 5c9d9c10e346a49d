import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImage, readUprightSize, squashToPlanes } from "../../src/image/decode.js";
import { sniffFormat } from "../../src/image/formats.js";
import { readJpegHeader } from "../../src/image/jpeg.js";
import { largestDifference, plain, quarters, rgb } from "../data/fixtures.js";

const [W, H] = [32, 16];
const picture = quarters(W, H);
const photo = () => rgb(picture, W, H);
const jpegOptions = { quality: 100, chromaSubsampling: "4:4:4" };

/** The stored pixels of a photo that is displayed as `picture`, from the definition of Exif's orientations. */
function storedFor(orientation: number): { pixels: Uint8Array; width: number; height: number } {
  const turned = orientation >= 5;
  const [width, height] = turned ? [H, W] : [W, H];
  const pixels = new Uint8Array(W * H * 3);
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      // Position of the stored row 0 and column 0 in the upright photo: Exif 2.32, tag 0x0112.
      const [row, column] = [
        [y, x],
        [y, W - 1 - x],
        [H - 1 - y, W - 1 - x],
        [H - 1 - y, x],
        [x, y],
        [W - 1 - x, y],
        [W - 1 - x, H - 1 - y],
        [x, H - 1 - y],
      ][orientation - 1];
      const from = 3 * (y * W + x);
      pixels.set(picture.subarray(from, from + 3), 3 * (row * width + column));
    }
  }
  return { pixels, width, height };
}

async function expectPicture(bytes: Buffer, tolerance: number): Promise<void> {
  const { data, width, height } = await decodeImage(bytes);
  expect([width, height]).toEqual([W, H]);
  expect(largestDifference(data, picture)).toBeLessThanOrEqual(tolerance);
}

describe("formats", () => {
  test("baseline JPEG is plain and decodes to its pixels", async () => {
    const bytes = await photo().jpeg(jpegOptions).toBuffer();
    expect(readJpegHeader(bytes)).toEqual({ width: W, height: H, plain: true });
    await expectPicture(bytes, 4);
  });

  test("progressive JPEG", async () => {
    const bytes = await photo()
      .jpeg({ ...jpegOptions, progressive: true })
      .toBuffer();
    expect(readJpegHeader(bytes)?.plain).toBe(false);
    await expectPicture(bytes, 4);
  });

  test("PNG and lossless WebP decode exactly", async () => {
    await expectPicture(await photo().png().toBuffer(), 0);
    await expectPicture(await photo().webp({ lossless: true }).toBuffer(), 0);
  });

  test("CMYK JPEG", async () => {
    const bytes = await photo().toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe("cmyk");
    const { data } = await decodeImage(bytes);
    expect(data).toHaveLength(W * H * 3);
    // CMYK has a smaller gamut than sRGB: hues stay, the strongest colours become weaker.
    const at = (x: number, y: number) => data.subarray(3 * (y * W + x), 3 * (y * W + x) + 3);
    const [red, green, blue] = [at(4, 4), at(28, 4), at(4, 12)];
    expect(red[0]).toBeGreaterThan(Math.max(red[1], red[2]) + 80);
    expect(green[1]).toBeGreaterThan(Math.max(green[0], green[2]) + 50);
    expect(blue[2]).toBeGreaterThan(Math.max(blue[0], blue[1]) + 50);
  });

  test("grey JPEG and grey PNG become three equal channels", async () => {
    const grey = Uint8Array.from({ length: W * H }, (_, i) => (i % W) * 7);
    const three = Uint8Array.from({ length: W * H * 3 }, (_, i) => grey[Math.floor(i / 3)]);
    const source = () => sharp(grey, { raw: { width: W, height: H, channels: 1 } });
    const jpeg = await source().toColourspace("b-w").jpeg({ quality: 100 }).toBuffer();
    expect(readJpegHeader(jpeg)?.plain).toBe(true);
    expect(largestDifference((await decodeImage(jpeg)).data, three)).toBeLessThanOrEqual(3);
    const png = await source().toColourspace("b-w").png().toBuffer();
    expect((await sharp(png).metadata()).channels).toBe(1);
    expect(largestDifference((await decodeImage(png)).data, three)).toBe(0);
  });

  test("grey with alpha is drawn on white", async () => {
    const pairs = Uint8Array.from({ length: W * H * 2 }, (_, i) => (i % 2 === 0 ? 100 : (i >> 1) % 256));
    const png = await sharp(pairs, { raw: { width: W, height: H, channels: 2 } })
      .toColourspace("b-w")
      .png()
      .toBuffer();
    expect((await sharp(png).metadata()).channels).toBe(2);
    const expected = Float64Array.from({ length: W * H * 3 }, (_, i) => {
      const alpha = (Math.floor(i / 3) % 256) / 255;
      return 100 * alpha + 255 * (1 - alpha);
    });
    expect(largestDifference((await decodeImage(png)).data, expected)).toBeLessThanOrEqual(1);
  });

  test("a transparent WebP is white", async () => {
    const pixels = new Uint8Array(W * H * 4);
    const webp = await sharp(pixels, { raw: { width: W, height: H, channels: 4 } })
      .webp({ lossless: true })
      .toBuffer();
    expect(new Set((await decodeImage(webp)).data)).toEqual(new Set([255]));
  });

  test.each([1, 3])("16-bit PNG of %i channels", async (channels) => {
    const deep = Uint16Array.from(
      { length: W * H * 3 },
      (_, i) => ((Math.floor(i / (4 - channels)) * 131) % 256) * 257,
    );
    const values = channels === 3 ? deep : deep.filter((_, i) => i % 3 === 0);
    const png = await sharp(values, { raw: { width: W, height: H, channels: channels === 3 ? 3 : 1 } })
      .toColourspace(channels === 3 ? "rgb16" : "grey16")
      .png()
      .toBuffer();
    const metadata = await sharp(png).metadata();
    expect([metadata.depth, metadata.channels]).toEqual(["ushort", channels]);
    const expected = Array.from(
      { length: W * H * 3 },
      (_, i) => values[channels === 3 ? i : Math.floor(i / 3)] / 257,
    );
    expect(largestDifference((await decodeImage(png)).data, expected)).toBeLessThanOrEqual(1);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("Exif orientation %i is applied", async (orientation) => {
    const { pixels, width, height } = storedFor(orientation);
    const stored = () => rgb(pixels, width, height).withMetadata({ orientation });
    const jpeg = await stored().jpeg(jpegOptions).toBuffer();
    expect((await sharp(jpeg).metadata()).orientation).toBe(orientation);
    expect(await readUprightSize(jpeg)).toEqual({ width: W, height: H });
    await expectPicture(jpeg, 4);
    await expectPicture(await stored().webp({ lossless: true }).toBuffer(), 0);
  });

  test("a colour profile other than sRGB is converted, not dropped", async () => {
    const jpeg = await photo().withIccProfile("p3").jpeg(jpegOptions).toBuffer();
    expect(readJpegHeader(jpeg)?.plain).toBe(false);
    await expectPicture(jpeg, 6);
  });

  test("the content decides, not the name; other content is rejected", async () => {
    expect(sniffFormat(await photo().webp().toBuffer())).toBe("webp");
    expect(sniffFormat(Buffer.from("BM and a bitmap"))).toBeUndefined();
    await expect(decodeImage(Buffer.from("not a photo"))).rejects.toThrow(/Expected the content of a JPEG/);
    await expect(decodeImage(Buffer.alloc(0))).rejects.toThrow("empty");
  });
});

describe("damage", () => {
  const noisy = () =>
    rgb(
      Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31 + i * 17) % 256),
      64,
      64,
    );

  test.each(["baseline", "progressive", "png", "webp"])("%s cut short anywhere is an error", async (kind) => {
    const bytes = await {
      baseline: () => noisy().jpeg(),
      progressive: () => noisy().jpeg({ progressive: true }),
      png: () => noisy().png(),
      webp: () => noisy().webp(),
    }[kind]!().toBuffer();
    await expect(decodeImage(bytes)).resolves.toMatchObject({ width: 64, height: 64 });
    for (const share of [0.1, 0.5, 0.9]) {
      await expect(decodeImage(bytes.subarray(0, Math.floor(bytes.length * share)))).rejects.toThrow();
    }
  });

  test("a JPEG without its end marker is an error", async () => {
    const bytes = await noisy().jpeg().toBuffer();
    await expect(decodeImage(bytes.subarray(0, bytes.length - 2))).rejects.toThrow(/premature|end/i);
  });

  test("bytes after the end of a JPEG are ignored", async () => {
    const bytes = await photo().jpeg(jpegOptions).toBuffer();
    await expectPicture(Buffer.concat([bytes, Buffer.from("a video follows")]), 4);
  });

  test("overwritten bytes within a JPEG are an error", async () => {
    const bytes = Buffer.from(await noisy().jpeg().toBuffer());
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 200);
    await expect(decodeImage(bytes)).rejects.toThrow();
  });

  test("more pixels than the limit are rejected before decoding", async () => {
    const bytes = Buffer.from(await photo().jpeg().toBuffer());
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    bytes.writeUInt16BE(65500, frame + 5);
    bytes.writeUInt16BE(65500, frame + 7);
    await expect(decodeImage(bytes)).rejects.toThrow(/65500 x 65500/);
  });
});

describe("squashToPlanes", () => {
  test("copies a photo that has the size as planes", async () => {
    const data = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => i);
    const planes = await squashToPlanes({ data, width: 4, height: 4 }, 4);
    for (let c = 0; c < 3; c++) {
      for (let i = 0; i < 16; i++) expect(planes[16 * c + i]).toBe(data[3 * i + c]);
    }
  });

  test("resizes both sides for any shape", async () => {
    const planes = await squashToPlanes({ data: picture, width: W, height: H }, 8);
    const expected = quarters(8, 8);
    for (const [x, y] of [
      [1, 1],
      [6, 1],
      [1, 6],
      [6, 6],
    ]) {
      for (let c = 0; c < 3; c++) expect(planes[64 * c + 8 * y + x]).toBe(expected[3 * (8 * y + x) + c]);
    }
  });

  test("is antialiased: a fine checkerboard becomes its mean", async () => {
    const data = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
      const at = Math.floor(i / 3);
      return ((at % 64) + Math.floor(at / 64)) % 2 === 0 ? 255 : 0;
    });
    const planes = await squashToPlanes({ data, width: 64, height: 64 }, 8);
    expect(largestDifference(planes, new Uint8Array(3 * 64).fill(128))).toBeLessThanOrEqual(6);
  });

  test("enlarges a plain photo to the same colour", async () => {
    const planes = await squashToPlanes({ data: plain(3, 5, 3), width: 5, height: 3 }, 16);
    const colour = plain(3, 1, 1);
    for (let c = 0; c < 3; c++)
      expect(new Set(planes.subarray(256 * c, 256 * (c + 1)))).toEqual(new Set([colour[c]]));
  });
});
