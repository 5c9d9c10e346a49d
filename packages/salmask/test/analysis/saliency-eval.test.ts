import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tensor } from "@salmask/torch";
import sharp from "sharp";
import { expect, it } from "vitest";
import { evaluateSaliency, type SaliencyScores } from "../../src/analysis/saliency-eval.js";
import { InterruptedError } from "../../src/base/errors.js";
import type { Report, RunEvent } from "../../src/base/events.js";
import { openDataset } from "../../src/data/store/dataset.js";
import { gridFor } from "../../src/masking/grid.js";
import { paperThreshold } from "../../src/saliency/settings.js";
import type { SaliencySource } from "../../src/saliency/source.js";
import { temporaryFolder, writePhotos } from "../support/photos.js";

/** Four photos of 16 pixels whose object is the upper left quarter, and a source that returns `map` for each, or `odd` for every second. */
async function score(
  map: number[][],
  given: { odd?: number[][]; count?: number; side?: number; signal?: AbortSignal; report?: Report } = {},
): Promise<SaliencyScores> {
  const { odd = map, count = 4, side = 16, signal, report } = given;
  const folder = await temporaryFolder();
  await writePhotos(join(folder, "photos"), 4, 16, ["a"]);
  await mkdir(join(folder, "masks"));
  const pixels = Uint8Array.from({ length: side * side }, (_, i) => {
    const [row, col] = [Math.floor(i / side), i % side];
    return row < side / 2 && col < side / 2 ? 255 : 0;
  });
  for (let i = 0; i < count; i++) {
    const raw = { width: side, height: side, channels: 1 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, "masks", `${i}.png`));
  }
  const source: SaliencySource = {
    name: "told",
    maps: (crops) => tensor(Array.from({ length: crops.shape[0] }, (_, i) => (i % 2 === 0 ? map : odd))),
    dispose: () => {},
  };
  const dataset = await openDataset(join(folder, "photos"), { size: 16, cacheDir: join(folder, "cache") });
  try {
    const threshold = { ...paperThreshold, rule: "mean" } as const;
    return await evaluateSaliency({
      ...{ dataset, masks: join(folder, "masks"), source, grid: gridFor(16, 4), threshold },
      ...{ signal, report },
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

it("gives the best scores, except for soft edges, to a source that knows the object", async () => {
  const scores = await score(quarter);
  expect(scores).toMatchObject({ photos: 4, iou: 1, foregroundShare: 0.25, allForegroundShare: 0 });
  expect(scores.maxF).toBeCloseTo(1, 6);
  expect(scores.maxFOfMeans).toBeCloseTo(1, 6);
  expect(scores.mae).toBeLessThan(0.1);
  expect(scores.sMeasure).toBeGreaterThan(0.8);
});

it("gives the worst scores to a source that points elsewhere", async () => {
  const scores = await score([...quarter].reverse().map((row) => [...row].reverse()));
  expect(scores.iou).toBe(0);
  // At every threshold no better than the whole photo as the object.
  expect(scores.maxF).toBeCloseTo((1.3 * 0.25) / (0.3 * 0.25 + 1), 6);
});

it("gives the F-measure both as the mean of the photos' and of their mean precision and recall", async () => {
  const leftHalf = quarter.map(() => [1, 1, 0, 0]);
  const { maxF, maxFOfMeans } = await score(quarter, { odd: leftHalf });
  // Precision is 1 and 1/2, recall 1.
  expect(maxF).toBeCloseTo((1 + (1.3 * 0.5) / (0.3 * 0.5 + 1)) / 2, 6);
  expect(maxFOfMeans).toBeCloseTo((1.3 * 0.75) / (0.3 * 0.75 + 1), 6);
});

it("says how many photos are all foreground", async () => {
  const scores = await score(quarter.map((row) => row.map(() => 0.5)));
  expect(scores).toMatchObject({ iou: 0.25, foregroundShare: 1, allForegroundShare: 1 });
});

it("names a photo without a mask, and one whose mask has another size", async () => {
  await expect(score(quarter, { count: 3 })).rejects.toMatchObject({
    code: "maps-missing",
    message: expect.stringContaining("a/3.png"),
  });
  await expect(score(quarter, { side: 8 })).rejects.toMatchObject({
    code: "map-size",
    message: expect.stringMatching(/a\/\d\.png.*16 x 16.*8 x 8/),
  });
});

it("says how far it is, and stops where it is asked to", async () => {
  const events: RunEvent[] = [];
  await score(quarter, { report: (event) => events.push(event) });
  expect(events).toEqual([{ kind: "progress", what: "scoring maps", done: 4, total: 4 }]);
  await expect(score(quarter, { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
});
