/** Decodes a photo's bytes to its stored square, with one memory budget for all decoders of the process. */
import sharp from "sharp";
import { WeightedSemaphore } from "../base/weighted-semaphore.js";
import { decodeImage, MAX_PIXELS, type PhotoContent, type RgbImage, squashToPlanes } from "./decode.js";
import { sniffFormat } from "./formats.js";
import { readJpegHeader } from "./jpeg.js";

/** Bytes that all photos in decoding may use together: 1 GiB. A larger photo is decoded alone. */
export const decodingBudget = new WeightedSemaphore(2 ** 30);

interface Header {
  readonly pixels: number;
  /** Bytes per stored pixel; 0 if the photo is decoded directly to 3 bytes per pixel. */
  readonly storedBytes: number;
}

async function readHeader(bytes: Buffer): Promise<Header> {
  const format = sniffFormat(bytes);
  const jpeg = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (jpeg !== undefined) return { pixels: jpeg.width * jpeg.height, storedBytes: jpeg.plain ? 0 : 4 };
  // For a small PNG, libvips spends a third of the decoding time on the header, which always starts with these fields
  // (RFC 2083).
  if (format === "png" && bytes.length > 24) {
    const pixels = bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
    return { pixels, storedBytes: bytes[24] === 16 ? 8 : 4 };
  }
  const { width, height, channels, depth } = await sharp(bytes, { limitInputPixels: false }).metadata();
  const sampleBytes =
    depth === "uchar" || depth === "char" ? 1 : depth === "ushort" || depth === "short" ? 2 : 8;
  return { pixels: width * height, storedBytes: channels * sampleBytes };
}

/**
 * The largest number of bytes that decoding a photo needs at once, from its header: its RGB pixels, plus twice its
 * stored pixels if a decoder needs all of them before its first output, as for progressive, interlaced and rotated
 * photos (measured: 1 to 2.7 times the RGB pixels). 0 for a file that is refused before decoding.
 */
export async function decodedBytes(bytes: PhotoContent): Promise<number> {
  if (!Buffer.isBuffer(bytes)) return 0;
  const header = await readHeader(bytes).catch(() => undefined);
  if (header === undefined || header.pixels > MAX_PIXELS) return 0;
  return header.pixels * (3 + 2 * header.storedBytes);
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
