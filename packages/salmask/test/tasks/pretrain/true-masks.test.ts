import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { configSchema } from "../../../src/config/schema.js";
import { openDataset, type PackedDataset } from "../../../src/data/store/dataset.js";
import type { Foreground } from "../../../src/masking/foreground.js";
import { gridFor } from "../../../src/masking/grid.js";
import { RunFolder } from "../../../src/runs/run-folder.js";
import { pretrain } from "../../../src/tasks/pretrain/pretrain.js";
import { TrueMasks } from "../../../src/tasks/pretrain/true-masks.js";
import { drawView, type ViewDraw, wholeView } from "../../../src/views/draw.js";
import { smallSettings, temporaryFolder, writePhotos } from "../../support/photos.js";

const side = 32;
const count = 8;

/** Photo i's object: a rectangle; the last photo has none. */
const inside = (photo: number, y: number, x: number) =>
  photo < count - 1 && y >= 2 * photo && y < 2 * photo + 14 && x >= photo && x < photo + 17;

async function photosWithMasks(): Promise<{ photos: string; masks: string; cache: string }> {
  const folder = await temporaryFolder();
  const [photos, masks, cache] = ["photos", "masks", "cache"].map((name) => join(folder, name));
  await writePhotos(photos, count, side, ["a"]);
  await mkdir(masks);
  const raw = { width: side, height: side, channels: 1 } as const;
  for (let photo = 0; photo < count; photo++) {
    const pixels = Uint8Array.from({ length: side * side }, (_, at) =>
      inside(photo, Math.floor(at / side), at % side) ? 255 : 0,
    );
    await sharp(pixels, { raw })
      .png()
      .toFile(join(masks, `${photo}.png`));
  }
  return { photos, masks, cache };
}

async function withTruth<T>(use: (truth: TrueMasks, dataset: PackedDataset) => T): Promise<T> {
  const { photos, masks, cache } = await photosWithMasks();
  const dataset = await openDataset(photos, { size: side, cacheDir: cache });
  const truth = await TrueMasks.open(masks, dataset, gridFor(side, 8));
  if (truth === null) throw new Error("expected masks");
  try {
    return use(truth, dataset);
  } finally {
    truth.dispose();
    dataset.close();
  }
}

/** For each of the 4 x 4 cells of a view, the share that the object covers, counted at many points of the cell. */
function coveredCells(photo: number, draw: ViewDraw, row: number): number[] {
  const [top, left, height, width] = draw.boxes.subarray(row * 4, row * 4 + 4);
  const points = 40;
  return Array.from({ length: 16 }, (_, cell) => {
    let hits = 0;
    for (let at = 0; at < points * points; at++) {
      const v = (Math.floor(cell / 4) + (Math.floor(at / points) + 0.5) / points) / 4;
      const u = ((cell % 4) + ((at % points) + 0.5) / points) / 4;
      const x = left + width * (draw.flip[row] === 1 ? 1 - u : u);
      hits += Number(inside(photo, Math.floor(top + height * v), Math.floor(x)));
    }
    return hits / points ** 2;
  });
}

const foreground = (cells: readonly number[]): Foreground => ({
  cells: Uint8Array.from(cells),
  shares: Float64Array.of(cells.reduce((sum, on) => sum + on, 0) / cells.length),
});

const iou = (a: readonly number[], b: readonly number[]) =>
  a.filter((on, i) => on === 1 && b[i] === 1).length / a.filter((on, i) => on === 1 || b[i] === 1).length;

describe("TrueMasks", () => {
  it("compares crops with the cells that their photos' masks cover at least half, flipped like the crops", async () => {
    await withTruth((truth, dataset) => {
      const upper = Array.from({ length: 16 }, (_, cell) => (cell < 6 ? 1 : 0));
      let compared = 0;
      for (let epoch = 0; epoch < 20; epoch++) {
        for (let photo = 0; photo < count - 1; photo++) {
          const ids = Int32Array.of(photo);
          const draw = drawView({ seed: 1, epoch, view: 1 }, ids, dataset.originalSizes, dataset.size);
          const covered = coveredCells(photo, draw, 0);
          // Masks are stored in parts of cells, so the result for a cell that is about half covered can be 0 or 1.
          if (covered.some((share) => Math.abs(share - 0.5) < 0.15)) continue;
          const real = covered.map((share) => Number(share >= 0.5));
          const found = truth.agreement(foreground(upper), draw, ids);
          if (!real.includes(1)) {
            expect(found).toBeNull();
            continue;
          }
          compared++;
          expect(found?.iou).toBeCloseTo(iou(upper, real), 10);
          expect(found?.wholeCropIou).toBeCloseTo(real.filter((on) => on === 1).length / 16, 10);
        }
      }
      expect(compared).toBeGreaterThan(15);
    });
  });

  it("is the mean over the photos that have an object, 1 if the foreground equals their cells", async () => {
    await withTruth((truth, dataset) => {
      const ids = Int32Array.of(0, 4, count - 1);
      const draw = wholeView(ids, dataset.originalSizes, dataset.size);
      const real = [0, 4].map((photo, row) =>
        coveredCells(photo, draw, row).map((share) => Number(share >= 0.5)),
      );
      const none = new Array<number>(16).fill(0);
      const exact = truth.agreement(foreground([...real[0], ...real[1], ...none]), draw, ids);
      expect(exact?.iou).toBe(1);
      expect(exact?.wholeCropIou).toBeCloseTo(real.flat().filter((on) => on === 1).length / 32, 10);
      const half = truth.agreement(foreground([...real[0], ...none, ...none]), draw, ids);
      expect(half?.iou).toBe(0.5);
    });
  });
});

it("is logged when a run has saliency, and throws for missing masks", async () => {
  const { photos, masks, cache } = await photosWithMasks();
  const out = join(cache, "..", "run");
  const run = (truth: string) => {
    const config = configSchema.parse({
      ...smallSettings,
      data: { crop: side, size: side, cache },
      saliency: { source: "own", warmupEpochs: 1, truth },
      train: { ...smallSettings.train, epochs: 2 },
    });
    return pretrain({ photos, out, config, resume: false });
  };
  await expect(run(cache)).rejects.toMatchObject({ code: "maps-missing" });
  await run(masks);
  const [before, after] = new RunFolder(out).log.read().map(({ logs }) => logs);
  for (const name of ["iou", "wholeCropIou"]) {
    expect(before).not.toHaveProperty(name);
    expect(after[name]).toBeGreaterThan(0);
  }
});
