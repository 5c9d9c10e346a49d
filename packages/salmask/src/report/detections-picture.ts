/** A photo with what was found in it: boxes, masks, names and scores; beside it the truth, where it is known. */
import sharp from "sharp";
import { escapedXml } from "../base/xml.js";
import type { Box } from "../data/samples/box.js";
import { decodeMask, type Rle } from "../data/samples/rle.js";
import type { RgbImage } from "../image/decode.js";

/** An object to be drawn. */
export interface DrawnObject {
  readonly box: Box;
  readonly name: string;
  /** 0 to 1; null for the truth. */
  readonly score: number | null;
  readonly mask: Rle | null;
  /** Chooses the colour: objects of one category look alike. */
  readonly category: number;
}

/** Pictures are drawn at this shorter side in pixels at least, so that names can be read. */
const leastSide = 320;
const gap = 6;
const maskOpacity = 0.45;
const fontSize = 12;
/** Of a label, in pixels; the font is the machine's, so that letters may be narrower. */
const [letterWidth, labelHeight] = [7, fontSize + 3];
/** Of the colour circle: neighbours in number are far apart in hue. */
const goldenAngle = 137.508;

/** The PNG of a photo's detections; with `truth`, the truth stands to their right. */
export async function pictureOfDetections(
  photo: RgbImage,
  detections: readonly DrawnObject[],
  truth: readonly DrawnObject[] | null,
): Promise<Buffer> {
  const scale = Math.max(1, Math.ceil(leastSide / Math.min(photo.height, photo.width)));
  const sides = [detections, ...(truth === null ? [] : [truth])];
  const pictures = await Promise.all(sides.map((objects) => drawn(photo, objects, scale)));
  const [width, height] = [photo.width * scale, photo.height * scale];
  return sharp({
    create: {
      width: pictures.length * width + (pictures.length - 1) * gap,
      height,
      channels: 3,
      background: "white",
    },
  })
    .composite(pictures.map((input, i) => ({ input, left: i * (width + gap), top: 0 })))
    .png()
    .toBuffer();
}

async function drawn(photo: RgbImage, objects: readonly DrawnObject[], scale: number): Promise<Buffer> {
  const { height, width } = photo;
  const pixels = withMasks(photo, objects);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(width * scale, height * scale, { kernel: "nearest" })
    .composite([{ input: Buffer.from(outlines(objects, photo, scale)), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** `[H, W, 3]`, each object's pixels tinted. */
function withMasks({ data, height, width }: RgbImage, objects: readonly DrawnObject[]): Uint8Array {
  const pixels = Uint8Array.from(data);
  for (const { mask, category } of objects) {
    if (mask === null || mask.height !== height || mask.width !== width) continue;
    const tint = rgbOf(category);
    const isInside = decodeMask(mask); // [H, W]
    for (let at = 0; at < isInside.length; at++) {
      if (isInside[at] === 0) continue;
      for (let c = 0; c < 3; c++) pixels[3 * at + c] += maskOpacity * (tint[c] - pixels[3 * at + c]);
    }
  }
  return pixels;
}

function outlines(objects: readonly DrawnObject[], { height, width }: RgbImage, scale: number): string {
  const shapes = objects.map(({ box, name, score, category }) => {
    const [left, top, right, bottom] = box.map((side) => side * scale);
    const colour = `rgb(${rgbOf(category).map(Math.round).join(",")})`;
    const label = score === null ? name : `${name} ${score.toFixed(2)}`;
    const y = top >= labelHeight ? top - labelHeight : top;
    return (
      `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<rect x="${left}" y="${y}" width="${letterWidth * label.length + 4}" height="${labelHeight}" fill="${colour}"/>` +
      `<text x="${left + 2}" y="${y + fontSize - 1}" fill="${isLight(category) ? "black" : "white"}">${escapedXml(label)}</text>`
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * scale}" height="${height * scale}" ` +
    `font-family="sans-serif" font-size="${fontSize}">${shapes.join("")}</svg>`
  );
}

/** Whether black letters are easier to read on a category's colour than white ones. */
function isLight(category: number): boolean {
  const [red, green, blue] = rgbOf(category);
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140;
}

/** A bright colour, 0 to 255 each. */
function rgbOf(category: number): [number, number, number] {
  const hue = ((category * goldenAngle) % 360) / 60;
  const channel = (offset: number) => {
    const k = (offset + hue) % 6;
    return 255 * (1 - Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [channel(5), channel(3), channel(1)];
}
