/** Encoders and photos whose embeddings are known. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Generator, type Tensor } from "@salmask/torch";
import sharp from "sharp";
import { onCpu } from "../../../src/compute/compute.js";
import { fillOf } from "../../../src/masking/fills/registry.js";
import { maskSettings } from "../../../src/masking/settings.js";
import { createBackbone } from "../../../src/models/registry.js";
import type { OpenEncoder } from "../../../src/tasks/embed/encoder.js";
import { saveBackbone } from "../../../src/weights/files.js";
import { Eye, flatSide } from "../../support/flat-photos.js";

/** An encoder that sees the mean red and the mean blue of a photo. */
export function openEye(change: (features: Tensor) => Tensor = (features) => features): OpenEncoder {
  class Changed extends Eye {
    override forward(input: Tensor): Tensor {
      return change(super.forward(input)); // [B, 2]
    }
  }
  const backbone = new Changed([0, 2]);
  return {
    backbone,
    crop: flatSide,
    fill: fillOf(maskSettings.parse({ fill: "none" })),
    weights: "eye",
    compute: onCpu,
    [Symbol.dispose]: () => backbone.dispose(),
  };
}

/** Writes a small encoder with random weights, which sees 16 pixels; the seed draws the weights. */
export function writeEncoder(path: string, seed = 1): void {
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(seed));
  saveBackbone(path, backbone, { crop: "16" });
}

export type Rgb = readonly [red: number, green: number, blue: number];

/** Writes a PNG of 16 pixels in one colour; folders are made. */
export async function writeFlat(path: string, [r, g, b]: Rgb, compressionLevel = 6): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } })
    .png({ compressionLevel })
    .toFile(path);
}

export async function writeBroken(folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), "not a picture");
}
