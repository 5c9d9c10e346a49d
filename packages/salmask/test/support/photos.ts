import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeyedRandom } from "@salmask/torch";
import sharp from "sharp";
import { onTestFinished } from "vitest";

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "salmask-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes `count` PNGs of `side` pixels, one folder per class: noise around the colour of the class. */
export async function writePhotos(
  folder: string,
  count: number,
  side: number,
  classes: readonly string[],
): Promise<void> {
  const raw = { width: side, height: side, channels: 3 } as const;
  for (const name of classes) await mkdir(join(folder, name), { recursive: true });
  for (let i = 0; i < count; i++) {
    const label = i % classes.length;
    const random = new KeyedRandom(i, 7);
    const pixels = Uint8Array.from(
      { length: side * side * 3 },
      (_, at) => (at % 3 === label % 3 ? 150 : 30) + random.integer(90),
    );
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, classes[label], `${i}.png`));
  }
}

/**
 * A run small enough for a test: 16-pixel crops, three steps per epoch with 24 photos. Eight channels are the smallest
 * number that the engine's own kernels support, and float32 is the same on every processor.
 */
export const smallSettings = {
  precision: "float32",
  data: { crop: 16, size: 16 },
  model: { arch: "resnet18", width: 8, stem: "small" },
  method: { queue: 6, momentum: 0.9, dim: 8, groups: 2 },
  saliency: { source: "own", scope: "crop", warmupEpochs: 1 },
  train: { epochs: 3, batchSize: 8, logEvery: 1, lr: 0.05, varianceEvery: 0 },
};
