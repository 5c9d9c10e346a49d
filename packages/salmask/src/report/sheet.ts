/** A picture sheet: one row per photo, one column per kind of picture. */
import { scope, type Tensor } from "@salmask/torch";
import sharp from "sharp";
import { writeFileAtomic } from "../base/files.js";
import { escapedXml } from "../base/xml.js";

export interface SheetColumn {
  title: string;
  /** `[3, H, W]` each, in [0, 1]. */
  pictures: Tensor[];
  /** A line below each picture; none in any column where no column has some. */
  captions?: readonly string[];
}

const gap = 4;
const titleHeight = 18;
const side = 112;
const captionHeight = 14;

async function toPng(picture: Tensor): Promise<Buffer> {
  const [, height, width] = picture.shape;
  // [H, W, 3]
  const pixels = scope(() => picture.mul(255).round().permute([1, 2, 0]).contiguous().toFloat32Array());
  const bytes = Uint8Array.from(pixels);
  const raw = { width, height, channels: 3 } as const;
  return sharp(bytes, { raw }).resize(side, side, { kernel: "nearest", fit: "fill" }).png().toBuffer();
}

/** Draws the columns in a separate scope and writes the sheet as a PNG. Frees the pictures. */
export async function drawSheet(path: string, draw: () => SheetColumn[]): Promise<void> {
  const columns = scope(draw);
  try {
    await writeSheet(path, columns);
  } finally {
    for (const { pictures } of columns) for (const picture of pictures) picture.dispose();
  }
}

/** Each picture becomes a square with a side of `side` pixels. */
async function writeSheet(path: string, columns: readonly SheetColumn[]): Promise<void> {
  const rows = Math.max(...columns.map(({ pictures }) => pictures.length));
  const rowHeight = side + gap + (columns.some(({ captions }) => captions !== undefined) ? captionHeight : 0);
  const width = columns.length * (side + gap) + gap;
  const height = titleHeight + rows * rowHeight + gap;
  const left = (column: number) => gap + column * (side + gap);
  const top = (row: number) => titleHeight + gap + row * rowHeight;
  const text = (x: number, y: number, words: string) => `<text x="${x}" y="${y}">${escapedXml(words)}</text>`;
  const words = columns.flatMap(({ title, captions = [] }, i) => [
    text(left(i), 13, title),
    ...captions.map((caption, row) => text(left(i), top(row) + side + 11, caption)),
  ]);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">${words.join("")}</svg>`;
  const layers = await Promise.all(
    columns.flatMap(({ pictures }, i) =>
      pictures.map(async (picture, row) => ({ input: await toPng(picture), left: left(i), top: top(row) })),
    ),
  );
  const sheet = await sharp({ create: { width, height, channels: 3, background: "white" } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }, ...layers])
    .png()
    .toBuffer();
  await writeFileAtomic(path, sheet);
}
