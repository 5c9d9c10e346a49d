/**
 * Bytes of a photo to upright RGB pixels. Plain JPEGs, nearly all of a training set, go to libjpeg-turbo
 * (ten times as fast on small photos); everything else goes to libvips, which knows every odd kind.
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

/** Photos of more pixels are refused: one of them decoded takes 768 MiB. */
export const MAX_PIXELS = 2 ** 28;

// Many photos are decoded at once; more threads for each would only wait for one another.
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
 * Width and height of the upright photo in pixels, from its header alone. Throws where the bytes are of
 * no format that can be decoded.
 */
export async function readUprightSize(bytes: Buffer): Promise<{ width: number; height: number }> {
  assertPhoto(bytes);
  const { autoOrient } = await sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}

/**
 * Decodes a JPEG, PNG, WebP, GIF, TIFF or AVIF file to upright RGB. Exif's orientation is applied, transparency is laid on white,
 * grey becomes three equal channels, CMYK and other colour profiles become sRGB, 16-bit becomes 8-bit, of an
 * animation the first frame counts, of a TIFF the first page.
 * Throws an `Error` that says why for what is of no such format, damaged, cut short, or over {@link MAX_PIXELS};
 * a decoder's warnings count as damage, because half a photo and a grey rest is not the photo.
 */
export async function decodeImage(bytes: Buffer): Promise<RgbImage> {
  const format = assertPhoto(bytes);
  const header = format === "jpeg" ? readJpegHeader(bytes) : undefined;
  if (header !== undefined) assertPixels(header.width, header.height);
  if (!header?.plain) return decodeAnything(bytes);
  try {
    const { data, width, height } = await turbo.decompress(bytes, { format: turbo.FORMAT_RGB });
    return { data, width, height };
  } catch {
    // libvips, as strict, says what is wrong; the turbo addon frees its decoder before it asks for the message.
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
 * The photo squashed to `size` x `size`, as planes: `[3, size, size]`. Antialiased triangle filter when
 * shrinking, bilinear when enlarging; a photo that has the size already is copied exactly.
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
