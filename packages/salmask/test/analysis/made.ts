import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Generator, KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { configSchema, type RunConfig } from "../../src/config/schema.js";
import { createBackbone } from "../../src/models/registry.js";
import { saveBackbone } from "../../src/weights/files.js";
import { weightsMetadata } from "../../src/weights/metadata.js";

/** Side of the photos and of the encoders' views, in pixels. */
export const side = 32;

/** A run's folder with the weights of an untrained encoder, which differ by the seed. */
export async function writeEncoder(
  folder: string,
  seed: number,
  fill: RunConfig["mask"]["fill"] = "none",
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const seen = configSchema.parse({ data: { crop: side }, mask: { fill } });
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(seed));
  saveBackbone(join(folder, "weights.safetensors"), backbone, weightsMetadata(seen));
  return folder;
}

type Colour = readonly [number, number, number];

/** What a photo of a class shows: a box of one colour before another, with some noise. */
export interface SceneLook {
  readonly object: Colour;
  readonly ground: Colour;
  readonly width: number;
  readonly height: number;
  /** Values are raised by a random number below this one, out of 255. Default 20. */
  readonly noise?: number;
}

/** Photos with one folder per class in `train` and `test`, and their masks in `masks`. */
export async function writeScenes(
  folder: string,
  looks: Readonly<Record<string, SceneLook>>,
  counts: { readonly train: number; readonly test: number },
): Promise<string> {
  const names = Object.keys(looks);
  for (const [split, count] of Object.entries(counts)) {
    await mkdir(join(folder, "masks", split), { recursive: true });
    for (const name of names) await mkdir(join(folder, split, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const name = names[i % names.length];
      const { object, ground, width, height, noise = 20 } = looks[name];
      const random = new KeyedRandom(i, split.length);
      const [left, top] = [random.integer(side - width + 1), random.integer(side - height + 1)];
      const isInside = (pixel: number) => {
        const [x, y] = [(pixel % side) - left, Math.floor(pixel / side) - top];
        return x >= 0 && y >= 0 && x < width && y < height;
      };
      const pixels = Uint8Array.from({ length: side * side * 3 }, (_, at) => {
        const colour = isInside(Math.floor(at / 3)) ? object : ground;
        return Math.min(255, colour[at % 3] + random.integer(noise));
      });
      const mask = Uint8Array.from({ length: side * side }, (_, pixel) => (isInside(pixel) ? 255 : 0));
      await writePng(join(folder, split, name, `${split}-${i}.png`), pixels, 3);
      await writePng(join(folder, "masks", split, `${split}-${i}.png`), mask, 1);
    }
  }
  return folder;
}

async function writePng(path: string, pixels: Uint8Array, channels: 1 | 3): Promise<void> {
  await sharp(pixels, { raw: { width: side, height: side, channels } })
    .png()
    .toFile(path);
}

const grey: Colour = [110, 110, 110];
const box = { width: 14, height: 14 };

/** Classes that differ in the colour of their object alone. */
export const byObject: Readonly<Record<string, SceneLook>> = {
  red: { object: [220, 20, 20], ground: grey, ...box },
  green: { object: [20, 200, 20], ground: grey, ...box },
  blue: { object: [20, 20, 230], ground: grey, ...box },
};

/** Classes that differ in the colour of their background alone. */
export const byGround: Readonly<Record<string, SceneLook>> = {
  red: { object: grey, ground: [220, 20, 20], ...box },
  green: { object: grey, ground: [20, 200, 20], ...box },
  blue: { object: grey, ground: [20, 20, 230], ...box },
};

/** Classes that are hard to tell apart. */
export const alike: Readonly<Record<string, SceneLook>> = {
  warm: { object: [130, 100, 100], ground: grey, noise: 90, ...box },
  fresh: { object: [100, 130, 100], ground: grey, noise: 90, ...box },
  cold: { object: [100, 100, 130], ground: grey, noise: 90, ...box },
};

/** Classes that differ in the outline of their object alone. */
export const byOutline: Readonly<Record<string, SceneLook>> = {
  wide: { object: [230, 230, 230], ground: grey, width: 26, height: 5 },
  high: { object: [230, 230, 230], ground: grey, width: 5, height: 26 },
};
