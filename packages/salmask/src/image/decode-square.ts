/** A photo's bytes to the square that is stored of it, within one budget of memory for all decoders of the process. */
import sharp from "sharp";
import { WeightedSemaphore } from "../base/weighted-semaphore.js";
import { decodeImage, MAX_PIXELS, squashToPlanes } from "./decode.js";
import { sniffFormat } from "./formats.js";
import { readJpegHeader } from "./jpeg.js";

/** Bytes that all photos being decoded may take together: 1 GiB. A larger photo is decoded alone. */
export const decodingBudget = new WeightedSemaphore(2 ** 30);

interface Header {
  readonly pixels: number;
  /** Bytes of a pixel as it is stored; 0 where it is decoded straight to the 3 bytes that come out. */
  readonly storedBytes: number;
}

async function readHeader(bytes: Buffer): Promise<Header> {
  const format = sniffFormat(bytes);
  const jpeg = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (jpeg !== undefined) return { pixels: jpeg.width * jpeg.height, storedBytes: jpeg.plain ? 0 : 4 };
  // libvips takes a third of a small photo's decoding for a PNG's header, which always begins with these (RFC 2083).
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
 * The most bytes that decoding a photo holds at once, by its header: its RGB pixels, and twice its stored pixels where
 * a decoder needs them all before it can put out the first, as for progressive, interlaced and turned photos (measured:
 * 1 to 2.7 times the RGB pixels). 0 for what is refused before it is decoded.
 */
export async function decodedBytes(bytes: Buffer): Promise<number> {
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
  /** Aborting keeps a photo that still waits from being decoded. */
  readonly signal?: AbortSignal;
}

/** Decodes and squashes a photo as soon as the budget has room. Throws as {@link decodeImage} does, and when aborted. */
export async function decodeSquare(
  bytes: Buffer,
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
