/** Decodes a photo's bytes to its stored square, with one memory budget for all decoders of the process. */
import sharp from "sharp";
import { WeightedSemaphore } from "../base/weighted-semaphore.js";
import { decodeImage, MAX_PIXELS, type PhotoContent, type RgbImage, squashToPlanes } from "./decode.js";
import { sniffFormat } from "./formats.js";
import { readJpegHeader } from "./jpeg.js";

/** Bytes that all photos in decoding may use together: 1 GiB. A larger photo is decoded alone. */
const decodingBudget = new WeightedSemaphore(2 ** 30);

/** Bytes that one photo may take while it is decoded, so that a small file cannot take all memory: 1.65 GB. */
const MOST_BYTES = 1.65e9;

/** An interlaced PNG is decoded in seven passes: of more pixels than this that takes many seconds. */
const MOST_INTERLACED_PIXELS = 2 ** 26;

const SMALLER = "Save it as a plain JPEG, or make it smaller.";

interface Header {
  readonly pixels: number;
  /** Largest number of bytes per pixel that decoding takes. */
  readonly pixelBytes: number;
  readonly isInterlaced: boolean;
}

/** A decoder that needs all stored pixels before its first output holds them twice, beside the RGB pixels. */
const whole = (storedBytes: number) => 3 + 2 * storedBytes;

// Measured beside the process itself, with photos of 8,000 x 8,000 to 16,384 x 16,384 pixels: plain JPEG 1.3 bytes per pixel, other
// JPEGs 7.5, a PNG that is decoded row by row up to 6.5 with 8 bits and 5 with 16 (which is slower, so that fewer pixels are taken),
// others 8 to 13.
const plainJpegBytes = 3;
const otherJpegBytes = 8;
const pngBytes = { 8: 7, 16: 12 };

async function readHeader(bytes: Buffer): Promise<Header> {
  const format = sniffFormat(bytes);
  const jpeg = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (jpeg !== undefined) {
    const pixelBytes = jpeg.plain ? plainJpegBytes : otherJpegBytes;
    return { pixels: jpeg.width * jpeg.height, pixelBytes, isInterlaced: false };
  }
  // For a small PNG, libvips spends a third of the decoding time on the header, which always starts with these fields
  // (RFC 2083).
  if (format === "png" && bytes.length > 28) {
    const pixels = bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
    const bits = bytes[24] === 16 ? 16 : 8;
    const isInterlaced = bytes[28] !== 0;
    // Exif may say that it is turned.
    const isWhole = isInterlaced || bytes.includes("eXIf");
    return { pixels, pixelBytes: isWhole ? whole(bits / 2) : pngBytes[bits], isInterlaced };
  }
  const { width, height, channels, depth } = await sharp(bytes, { limitInputPixels: false }).metadata();
  const sampleBytes =
    depth === "uchar" || depth === "char" ? 1 : depth === "ushort" || depth === "short" ? 2 : 8;
  return { pixels: width * height, pixelBytes: whole(channels * sampleBytes), isInterlaced: false };
}

/**
 * The largest number of bytes that decoding a photo needs at once, from its header. 0 for a file that is refused before
 * decoding because it is no photo or has too many pixels. Throws where a photo would take too much memory or time.
 */
export async function decodedBytes(bytes: PhotoContent): Promise<number> {
  if (!Buffer.isBuffer(bytes)) return 0;
  const header = await readHeader(bytes).catch(() => undefined);
  if (header === undefined || header.pixels > MAX_PIXELS) return 0;
  const { pixels, pixelBytes, isInterlaced } = header;
  if (pixels * pixelBytes > MOST_BYTES) {
    const most = Math.floor(MOST_BYTES / pixelBytes);
    throw new Error(`Expected at most ${most} pixels of a photo in this format, got ${pixels}. ${SMALLER}`);
  }
  if (isInterlaced && pixels > MOST_INTERLACED_PIXELS) {
    throw new Error(
      `Expected at most ${MOST_INTERLACED_PIXELS} pixels of an interlaced PNG, got ${pixels}. ${SMALLER}`,
    );
  }
  return pixels * pixelBytes;
}

export interface DecodedSquare {
  /** `[3, size, size]` */
  readonly planes: Uint8Array;
  /** Height and width of the upright photo in pixels. */
  readonly original: [number, number];
}

export interface DecodeSquareOptions {
  /** Default: {@link decodingBudget}. */
  readonly budget?: WeightedSemaphore;
  /** If it is aborted, a photo that still waits is not decoded. */
  readonly signal?: AbortSignal;
}

/** Decodes a photo as soon as the budget has room. Throws as {@link decodeImage} does. */
export async function decodeWithin(bytes: Buffer, budget = decodingBudget): Promise<RgbImage> {
  const release = await budget.acquire(await decodedBytes(bytes));
  try {
    return await decodeImage(bytes);
  } finally {
    release();
  }
}

/** Decodes and squashes a photo as soon as the budget has room. Throws as {@link decodeImage} does, and when aborted. */
export async function decodeSquare(
  bytes: PhotoContent,
  size: number,
  { budget = decodingBudget, signal }: DecodeSquareOptions = {},
): Promise<DecodedSquare> {
  const release = await budget.acquire(await decodedBytes(bytes));
  try {
    signal?.throwIfAborted();
    const photo = await decodeImage(bytes);
    const planes = await squashToPlanes(photo, size); // [3, size, size]
    return { planes, original: [photo.height, photo.width] };
  } finally {
    release();
  }
}
