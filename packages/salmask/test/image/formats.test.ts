import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImage, readUprightSize } from "../../src/image/decode.js";
import { type ImageFormat, sniffFormat, whyNotDecoded } from "../../src/image/formats.js";
import { largestDifference, quarters, rgb } from "../data/fixtures.js";

const [width, height] = [32, 16];
const picture = quarters(width, height);

describe("formats other than JPEG, PNG and WebP", () => {
  const made: [ImageFormat, () => Sharp, number][] = [
    ["gif", () => rgb(picture, width, height).gif(), 6],
    ["tiff", () => rgb(picture, width, height).tiff({ compression: "lzw" }), 0],
    ["avif", () => rgb(picture, width, height).avif({ lossless: true }), 3],
  ];

  test.each(made)("%s is known by its content and decoded to its pixels", async (format, make, tolerance) => {
    const bytes = await make().toBuffer();
    expect(sniffFormat(bytes)).toBe(format);
    expect(await readUprightSize(bytes)).toEqual({ width, height });
    const decoded = await decodeImage(bytes);
    expect([decoded.width, decoded.height]).toEqual([width, height]);
    expect(largestDifference(decoded.data, picture)).toBeLessThanOrEqual(tolerance);
  });

  test.each(made)("%s cut short is an error", async (_, make) => {
    const bytes = await make().toBuffer();
    for (const share of [0.1, 0.6]) {
      await expect(decodeImage(bytes.subarray(0, Math.floor(bytes.length * share)))).rejects.toThrow();
    }
  });

  test("the first frame of an animated GIF is used", async () => {
    const frames = Buffer.concat([Buffer.from(picture), Buffer.alloc(picture.length, 255)]);
    const raw = { width, height: 2 * height, channels: 3, pageHeight: height } as const;
    const gif = await sharp(frames, { raw }).gif().toBuffer();
    expect((await sharp(gif).metadata()).pages).toBe(2);
    const decoded = await decodeImage(gif);
    expect(decoded.height).toBe(height);
    expect(largestDifference(decoded.data, picture)).toBeLessThanOrEqual(6);
  });

  test("a rotated 16-bit TIFF becomes upright and 8-bit", async () => {
    const deep = Uint16Array.from(picture, (value) => value * 257);
    const tiff = await sharp(deep, { raw: { width, height, channels: 3 } })
      .toColourspace("rgb16")
      .withMetadata({ orientation: 6 })
      .tiff({ compression: "lzw" })
      .toBuffer();
    expect(await sharp(tiff).metadata()).toMatchObject({ depth: "ushort", orientation: 6 });
    const decoded = await decodeImage(tiff);
    expect([decoded.width, decoded.height]).toEqual([height, width]);
    expect(
      largestDifference(
        decoded.data.subarray(0, 3),
        picture.subarray(3 * width * (height - 1)).subarray(0, 3),
      ),
    ).toBeLessThanOrEqual(1);
  });
});

describe("pictures that cannot be decoded", () => {
  const heic = Buffer.concat([
    Buffer.from([0, 0, 0, 24]),
    Buffer.from("ftypheic\0\0\0\0mif1heic"),
    Buffer.alloc(40),
  ]);
  test.each([
    ["a HEIC file", heic],
    ["a BMP file", Buffer.from("BM with more behind it")],
    ["an empty file", Buffer.alloc(0)],
    ["the first bytes 6e6f7065", Buffer.from("nope")],
  ])("%s is named, whatever its name says", async (name, bytes) => {
    await expect(decodeImage(bytes)).rejects.toThrow(
      `Expected the content of a JPEG, PNG, WebP, GIF, TIFF or AVIF file, got ${name}.`,
    );
  });

  test("are recognised by their extension, with how to fix it", () => {
    expect(whyNotDecoded(".heic")).toMatch(/got \.heic\. Convert it to JPEG/);
    for (const extension of [".bmp", ".svg", ".cr2", ".dng", ".psd"])
      expect(whyNotDecoded(extension)).toBeDefined();
    for (const extension of [".jpg", ".avif", ".txt", ""]) expect(whyNotDecoded(extension)).toBeUndefined();
  });
});
