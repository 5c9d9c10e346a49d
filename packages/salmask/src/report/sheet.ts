/** A picture sheet: one row per photo, one column per kind of picture. */
import { scope, type Tensor } from "@salmask/torch";
import sharp from "sharp";
import { writeFileAtomic } from "../base/files.js";
import { escapedXml } from "../base/xml.js";

export interface SheetColumn {
  title: string;
  /** `[3, H, W]` each, in [0, 1]. */
  pictures: Tensor[];
}

const gap = 4;
const titleHeight = 18;
const side = 112;

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
  const width = columns.length * (side + gap) + gap;
  const height = titleHeight + rows * (side + gap) + gap;
  const titles = columns
    .map(({ title }, i) => `<text x="${gap + i * (side + gap)}" y="13">${escapedXml(title)}</text>`)
    .join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${titleHeight}" font-family="sans-serif" font-size="12">${titles}</svg>`;
  const layers = await Promise.all(
    columns.flatMap(({ pictures }, i) =>
      pictures.map(async (picture, row) => ({
        input: await toPng(picture),
        left: gap + i * (side + gap),
        top: titleHeight + gap + row * (side + gap),
      })),
    ),
  );
  const sheet = await sharp({ create: { width, height, channels: 3, background: "white" } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }, ...layers])
    .png()
    .toBuffer();
  await writeFileAtomic(path, sheet);
}
