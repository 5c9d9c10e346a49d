/**
 * Decodes the bytes of a photo to upright RGB pixels. libjpeg-turbo decodes plain JPEGs, which are nearly all photos of
 * a training set (ten times as fast on small photos). libvips decodes everything else.
 */
import turbo from "@julusian/jpeg-turbo";
import sharp from "sharp";
import { FORMAT_NAMES, type ImageFormat, nameOfContent, sniffFormat } from "./formats.js";
import { readJpegHeader } from "./jpeg.js";
import { toPlanes } from "./planes.js";

/** Pixels of an upright photo. */
export interface RgbImage {
  /** `[height, width, 3]`, 0 to 255, sRGB. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What a source gives of a photo: the bytes of its file, or its pixels where they are stored as such. */
export type PhotoContent = Buffer | RgbImage;

/** Photos of more pixels are refused: one of them decoded takes 768 MiB. */
export const MAX_PIXELS = 2 ** 28;

// Many photos are decoded at once; more threads per photo would only wait for each other.
sharp.concurrency(1);

function assertPhoto(bytes: Buffer): ImageFormat {
  const format = sniffFormat(bytes);
  if (format !== undefined) return format;
  const got = bytes.length === 0 ? "an empty file" : nameOfContent(bytes);
  throw new Error(`Expected the content of a ${FORMAT_NAMES} file, got ${got}.`);
}

function assertPixels(width: number, height: number): void {
  if (width * height > MAX_PIXELS) {
    throw new Error(`Expected a photo of at most ${MAX_PIXELS} pixels, got ${width} x ${height}.`);
  }
}

/**
 * Width and height of the upright photo in pixels, read from its header only. Throws if the bytes have no supported
 * format.
 */
export async function readUprightSize(content: PhotoContent): Promise<{ width: number; height: number }> {
  if (!Buffer.isBuffer(content)) return { width: content.width, height: content.height };
  assertPhoto(content);
  const { autoOrient } = await sharp(content, { limitInputPixels: MAX_PIXELS }).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF file to upright RGB. The Exif orientation is applied. Transparency
 * becomes white, grey becomes three equal channels, CMYK and other colour profiles become sRGB, and 16-bit becomes
 * 8-bit. Of an animation the first frame is used, of a TIFF the first page.
 * Throws an `Error` with the reason if the file has another format, is damaged or incomplete, or is over
 * {@link MAX_PIXELS}. A decoder's warning counts as damage, because a photo that is partly grey is not the photo.
 */
export async function decodeImage(bytes: PhotoContent): Promise<RgbImage> {
  if (!Buffer.isBuffer(bytes)) return bytes;
  const format = assertPhoto(bytes);
  const header = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (header !== undefined) assertPixels(header.width, header.height);
  if (!header?.plain) return decodeAnything(bytes);
  try {
    const { data, width, height } = await turbo.decompress(bytes, { format: turbo.FORMAT_RGB });
    return { data, width, height };
  } catch {
    // libvips is equally strict and says what is wrong. The turbo addon frees its decoder before it reads the message.
    return decodeAnything(bytes);
  }
}

async function decodeAnything(bytes: Buffer): Promise<RgbImage> {
  const { data, info } = await sharp(bytes, { failOn: "warning", limitInputPixels: MAX_PIXELS })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height };
  if (channels !== 1) throw new Error(`Expected 1 or 3 channels from the decoder, got ${channels}.`);
  const rgb = new Uint8Array(width * height * 3); // [height, width, 3]
  for (let i = 0; i < data.length; i++) rgb.fill(data[i], 3 * i, 3 * i + 3);
  return { data: rgb, width, height };
}

/**
 * Resizes the photo to `size` x `size` without keeping its aspect ratio, as planes: `[3, size, size]`. Antialiased
 * triangle filter for shrinking, bilinear for enlarging. A photo that already has the size is copied exactly.
 */
export async function squashToPlanes(image: RgbImage, size: number): Promise<Uint8Array> {
  const { width, height } = image;
  const pixels =
    width === size && height === size
      ? image.data
      : await sharp(image.data, { raw: { width, height, channels: 3 }, limitInputPixels: MAX_PIXELS })
          .resize(size, size, { fit: "fill", kernel: "linear" })
          .raw()
          .toBuffer(); // [size, size, 3]
  return toPlanes(pixels, size * size);
}
