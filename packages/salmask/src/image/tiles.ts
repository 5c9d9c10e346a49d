/** Many small pictures of one size in one file, row by row: a page loads it once and shows parts of it. */
import { scope, type Tensor } from "@salmask/torch";
import sharp from "sharp";
import { received } from "../compute/compute.js";
import type { RgbImage } from "./decode.js";

/** A picture `[3, H, W]` in [0, 1], on any device, as bytes. */
export function pixelsOf(picture: Tensor): RgbImage {
  const [, height, width] = picture.shape;
  const values = scope(
    () => received(picture.mul(255).round()).permute([1, 2, 0]).contiguous().toFloat32Array(), // [H, W, 3]
  );
  return { data: Uint8Array.from(values), height, width };
}

export interface TileLayout {
  /** Side of a small picture in pixels. */
  readonly side: number;
  /** Small pictures in a row. */
  readonly across: number;
}

/** The JPEG of the pictures, each drawn as a square. Cells of coarse maps keep their edges. */
export async function tilesJpeg(
  pictures: readonly RgbImage[],
  { side, across }: TileLayout,
): Promise<Buffer> {
  const [width, height] = [across * side, Math.ceil(pictures.length / across) * side];
  const all = new Uint8Array(width * height * 3).fill(255);
  for (const [place, picture] of pictures.entries()) {
    const square = await squareOf(picture, side);
    const [left, top] = [(place % across) * side, Math.floor(place / across) * side];
    for (let y = 0; y < side; y++)
      all.set(square.subarray(3 * y * side, 3 * (y + 1) * side), 3 * ((top + y) * width + left));
  }
  return sharp(all, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85, chromaSubsampling: "4:4:4" })
    .toBuffer();
}

/** `[side, side, 3]` */
function squareOf({ data, height, width }: RgbImage, side: number): Promise<Buffer> {
  const kernel = height < side ? "nearest" : "lanczos3";
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(side, side, { kernel, fit: "fill" })
    .raw()
    .toBuffer();
}
