/** Encoders to export, and photos of the size that they take. */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray, Generator, KeyedRandom, noGrad, rand, scope } from "@salmask/torch";
import sharp from "sharp";
import { z } from "zod";
import { normalize } from "../../src/image/normalize.js";
import { fillOf } from "../../src/masking/fills/registry.js";
import { maskSettings } from "../../src/masking/settings.js";
import type { Backbone, BackboneSpec } from "../../src/models/backbone.js";
import { createBackbone } from "../../src/models/registry.js";
import { saveBackbone } from "../../src/weights/files.js";
import { weightsMetadata } from "../../src/weights/metadata.js";

/** An encoder none of whose vectors are all 1 or 0, so that a test notices if two are confused. */
export function madeBackbone(spec: BackboneSpec): Backbone {
  const generator = new Generator(3);
  const backbone = createBackbone(spec, generator).eval();
  noGrad(() =>
    scope(() => {
      for (const [name, tensor] of Object.entries(backbone.stateDict())) {
        if (name.endsWith("layer_scale")) tensor.fill_(0.3);
        else if (tensor.ndim === 1) tensor.add_(rand(tensor.shape, { generator }).sub_(0.5).mul_(0.4));
      }
    }),
  );
  return backbone;
}

export type FillName = "high-pass" | "none";

/** Writes an encoder whose pictures have `crop` pixels. */
export function saveEncoder(path: string, backbone: Backbone, crop: number, fill: FillName): void {
  const mask = maskSettings.parse({ fill });
  saveBackbone(path, backbone, weightsMetadata({ data: { crop }, mask, method: { name: "mocov2" } }));
}

/** Writes `count` PNGs of noise, of `side` pixels. */
export async function noisePhotos(folder: string, count: number, side: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => join(folder, `${i}.png`));
  for (const [i, path] of paths.entries()) {
    const random = new KeyedRandom(i, side);
    const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.integer(256));
    await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toFile(path);
  }
  return paths;
}

/** What the encoder makes of photos of its own size, a list per photo. */
export async function featuresOf(
  backbone: Backbone,
  photos: readonly string[],
  fill: FillName,
): Promise<number[][]> {
  const decoded = await Promise.all(
    photos.map((path) => sharp(path).raw().toBuffer({ resolveWithObject: true })),
  );
  const { prepare } = fillOf(maskSettings.parse({ fill }));
  return decoded.map(({ data, info: { width, height } }) =>
    noGrad(() =>
      scope(() => {
        const pixels = fromTypedArray(new Uint8Array(data), [1, height, width, 3]);
        const planes = pixels.permute([0, 3, 1, 2]).to({ dtype: "float32" }).div(255); // [1, 3, H, W]
        return backbone.forward(prepare(normalize(planes))).toArray();
      }),
    ),
  );
}

const examples = fileURLToPath(new URL("../../../../examples/export", import.meta.url));

export const example = (name: string): string => join(examples, name);

/** Runs a program that prints JSON. */
export function printed(program: string, args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

export const features = z.array(z.array(z.number()));

/** Largest difference over the largest number, or over 1 where that is more; infinite for other lengths. */
export function differenceOf(found: readonly number[][], expected: readonly number[][]): number {
  if (found.length !== expected.length || found.some((row, i) => row.length !== expected[i].length))
    return Number.POSITIVE_INFINITY;
  const [a, b] = [found.flat(), expected.flat()];
  const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) / largest;
}

/** Whether a package is there; if not, says so on standard error, because its tests are skipped. */
export function hasPackage(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    console.warn(`SKIPPED: no package ${name}, so the tests that need it are left out`);
    return false;
  }
}
