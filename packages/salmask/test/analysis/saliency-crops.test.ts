import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { scope, tensor } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { type CropScores, scoreCrops } from "../../src/analysis/saliency-crops.js";
import { openDataset } from "../../src/data/store/dataset.js";
import { resize } from "../../src/image/resize.js";
import { gridFor } from "../../src/masking/grid.js";
import { paperThreshold } from "../../src/saliency/settings.js";
import type { SaliencySource } from "../../src/saliency/source.js";
import { MOCO_V2_VIEW, type ViewOptions } from "../../src/views/settings.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

/** Two photos of 16 pixels whose object is the left half of the upper half, and a source that returns `map` for each. */
async function score(map: number[][], augment: Partial<ViewOptions>): Promise<CropScores> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 2, 16, ["a"]);
  await mkdir(join(folder, "masks"));
  const pixels = Uint8Array.from({ length: 256 }, (_, i) => (i % 16 < 8 && i < 128 ? 255 : 0));
  for (const i of [0, 1]) {
    const raw = { width: 16, height: 16, channels: 1 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, "masks", `${i}.png`));
  }
  const source: SaliencySource = {
    name: "told",
    maps: ({ shape: [count] }, { rows, cols }) =>
      scope(() => {
        const maps = tensor(Array.from({ length: count }, () => [map])); // [B, 1, h, w]
        return resize(maps, [rows, cols]).squeeze(1); // [B, rows, cols]
      }),
    dispose: () => {},
  };
  const dataset = await openDataset(join(folder, "photos"), { size: 16, cacheDir: join(folder, "cache") });
  try {
    return await scoreCrops({
      ...{ dataset, masks: join(folder, "masks"), source, grid: gridFor(16, 4), seed: 1, perPhoto: 8 },
      threshold: { ...paperThreshold, rule: "mean" },
      augment: { ...MOCO_V2_VIEW, ...augment },
    });
  } finally {
    dataset.close();
  }
}

const quarter = [
  [1, 1, 0, 0],
  [1, 1, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 0, 0],
];
const whole: Partial<ViewOptions> = { scale: [1, 1], ratio: [1, 1] };

it("finds the true cells of crops where the source knows the object, also of mirrored ones", async () => {
  const scores = await score(quarter, { ...whole, flipProbability: 0.5 });
  expect(scores).toEqual({
    crops: 16,
    foregroundShare: 0.25,
    allForegroundShare: 0,
    iou: 1,
    wholeCropIou: 0.25,
  });
});

it("says where all of a crop is foreground, and leaves crops without the object out of the overlap", async () => {
  const constant = await score(
    quarter.map((row) => row.map(() => 1)),
    whole,
  );
  expect(constant).toMatchObject({ allForegroundShare: 1, foregroundShare: 1, iou: 0.25 });
  const tiny = await score(quarter, { scale: [0.02, 0.03], ratio: [1, 1], flipProbability: 0 });
  // Each crop lies within the object, where the map is constant, or outside, where there is nothing to overlap with.
  expect(tiny.wholeCropIou).toBeGreaterThan(0.4);
  expect(tiny.iou).toBeGreaterThan(0.4);
});
