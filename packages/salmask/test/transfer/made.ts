import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Generator, KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { configSchema } from "../../src/config/schema.js";
import { generateObjects } from "../../src/data/embedded/generate-objects.js";
import { createBackbone } from "../../src/models/registry.js";
import { saveBackbone } from "../../src/weights/files.js";
import { weightsMetadata } from "../../src/weights/metadata.js";

/** Side of the encoders' views, and usually of the photos, in pixels. */
const usualSide = 16;

/** A run's folder with the weights of an untrained encoder, which differ by the seed. */
export async function writeRun(folder: string, seed: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  const seen = configSchema.parse({ data: { crop: usualSide }, mask: { fill: "none" } });
  using backbone = createBackbone({ arch: "resnet18", stem: "small", width: 8 }, new Generator(seed));
  saveBackbone(join(folder, "weights.safetensors"), backbone, weightsMetadata(seen));
}

/** Photos of three classes that are hard to tell apart: noise that is a little brighter in one channel. */
export async function writeClasses(
  folder: string,
  splits: Record<string, number>,
  side = usualSide,
): Promise<void> {
  const raw = { width: side, height: side, channels: 3 } as const;
  for (const [split, count] of Object.entries(splits)) {
    for (let i = 0; i < count; i++) {
      const label = i % 3;
      const random = new KeyedRandom(i, split.length);
      const shade = Array.from(
        { length: 3 },
        (_, channel) => (channel === label ? 12 : 0) + random.integer(60),
      );
      const pixels = Uint8Array.from(
        { length: side * side * 3 },
        (_, at) => shade[at % 3] + random.integer(120),
      );
      const at = join(folder, split, ["red", "green", "blue"][label]);
      await mkdir(at, { recursive: true });
      await sharp(pixels, { raw })
        .png()
        .toFile(join(at, `${i}.png`));
    }
  }
}

/** Pictures with objects in COCO's layout. */
export async function writeObjects(folder: string): Promise<void> {
  await generateObjects(folder, { train: 2, test: 2, size: 64, classes: 2 });
}

/** Settings that are small enough for a test, as a plan's file has them. */
export const small = {
  finetune: {
    precision: "float32",
    device: "cpu",
    threads: 1,
    epochs: 2,
    batchSize: 6,
    lrWarmupEpochs: 0,
    logEvery: 1,
  },
  detect: {
    precision: "float32",
    device: "cpu",
    threads: 1,
    train: { epochs: 1, batchSize: 2, lr: 0.01, warmupSteps: 1, logEvery: 1 },
    detection: {
      shortSides: [64],
      longSide: 96,
      anchorSizes: [8, 16, 24, 32, 48],
      pyramidChannels: 16,
      headWidth: 32,
      rpn: { candidatesInTraining: 50, candidates: 30, proposalsInTraining: 40, proposals: 20, samples: 32 },
      box: { samples: 32, leastScore: 0, detections: 20 },
    },
  },
};
