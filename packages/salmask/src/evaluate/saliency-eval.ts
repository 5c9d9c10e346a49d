/** How well a saliency source finds the objects of photos whose masks are known. */
import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { renderView, wholeView } from "../augment/index.js";
import { type PackedDataset, photoOf } from "../data/cache.js";
import type { Grid } from "../masking/grid.js";
import { findMaps, readMap } from "../saliency/map-files.js";
import {
  curveLength,
  fMeasureCurve,
  intersectionOverUnion,
  meanAbsoluteError,
} from "../saliency/measures.js";
import { structureMeasure } from "../saliency/s-measure.js";
import { type LateSaliencySource, mapsOf, type SaliencySource } from "../saliency/source.js";
import { foregroundCells, type ThresholdOptions } from "../saliency/threshold.js";

export interface SaliencyScores {
  photos: number;
  /** Mean absolute error of the map, scaled to [0, 1]; 0 is best. */
  mae: number;
  /** Largest mean F-measure (beta squared 0.3) over the 256 thresholds. */
  maxF: number;
  /** Structure measure; 1 is best. */
  sMeasure: number;
  /** Of the foreground cells under the threshold, which is what masking goes by. */
  iou: number;
  /** Mean share of the cells that are foreground. */
  foregroundShare: number;
}

export interface SaliencyEvalOptions {
  dataset: PackedDataset;
  /** Folder of masks, looked through with its folders: `NAME.png` for the photo `NAME.jpg`, white on the object. */
  masks: string;
  source: SaliencySource | LateSaliencySource;
  /** Of the whole photo as the source sees it: `rows * cell` pixels high. */
  grid: Grid;
  threshold: ThresholdOptions;
}

const batchSize = 32;
/** Pixels of a photo that a cell of the scored map covers; masking itself goes by the grid's cells. */
const fineCell = 8;

interface Mask {
  /** `[height * width]`, 0 or 1. */
  pixels: Uint8Array;
  height: number;
  width: number;
}

/** The masks of some photos; white is the object. */
function readMasks(ids: Int32Array, paths: readonly string[], dataset: PackedDataset): Promise<Mask[]> {
  const one = async (id: number): Promise<Mask> => {
    const map = await readMap(paths[id], photoOf(dataset, id));
    return { ...map, pixels: map.pixels.map((value) => Number(value > 127)) };
  };
  return Promise.all(Array.from(ids, one));
}

/** `[rows, cols]` scaled to [0, 1] and to the photo's pixels; a flat map is 0 all over. */
function toPixels(map: Tensor, { height, width }: Mask): Float64Array {
  return scope(() => {
    const [rows, cols] = map.shape;
    const planes = map.reshape([1, 1, rows, cols]); // [1, 1, rows, cols]
    const large = ops.upsampleBilinear2d(planes, [height, width], false); // [1, 1, H, W]
    const low = large.amin();
    const spread = large.amax().sub(low).clampMin(1e-12);
    return Float64Array.from(large.sub(low).div(spread).contiguous().toFloat32Array());
  });
}

/** Cells `[rows * cols]` to the photo's pixels `[H * W]`, each the cell it lies in. */
function cellsToPixels(cells: Uint8Array, { rows, cols }: Grid, { height, width }: Mask): Uint8Array {
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * cols;
    for (let x = 0; x < width; x++) out[y * width + x] = cells[row + Math.floor((x * cols) / width)];
  }
  return out;
}

/**
 * Scores a source on every photo of a set. Throws DataError where a mask is missing or is not of its photo's size.
 */
export async function evaluateSaliency(options: SaliencyEvalOptions): Promise<SaliencyScores> {
  const { dataset, source, grid, threshold } = options;
  const paths = await findMaps(options.masks, dataset.names);
  const sums = { mae: 0, sMeasure: 0, iou: 0, foregroundShare: 0 };
  const curve = new Float64Array(curveLength);
  const finer = Math.max(1, Math.floor(grid.cell / fineCell));
  const fine = { rows: grid.rows * finer, cols: grid.cols * finer };
  for (let from = 0; from < dataset.length; from += batchSize) {
    const length = Math.min(batchSize, dataset.length - from);
    const ids = Int32Array.from({ length }, (_, i) => from + i);
    const masks = await readMasks(ids, paths, dataset);
    const whole = wholeView(ids, dataset.originalSizes, dataset.size);
    const side = grid.rows * grid.cell;
    const photos = keep(scope(() => renderView(dataset.images(ids), whole, { crop: side }))); // [B, 3, side, side]
    const maps = keep(await mapsOf(source, photos, fine)); // [B, fine rows, fine cols]
    try {
      scope(() =>
        noGrad(() => {
          const { cells, shares } = foregroundCells(
            maps.adaptiveAvgPool2d([grid.rows, grid.cols]),
            threshold,
          );
          for (const [row, mask] of masks.entries()) {
            const map = toPixels(maps.select(0, row), mask); // [H * W]
            const own = cells.subarray(row * grid.rows * grid.cols, (row + 1) * grid.rows * grid.cols);
            sums.mae += meanAbsoluteError(map, mask.pixels);
            sums.sMeasure += structureMeasure(map, mask.pixels, mask.width);
            sums.iou += intersectionOverUnion(cellsToPixels(own, grid, mask), mask.pixels);
            sums.foregroundShare += shares[row];
            for (const [level, f] of fMeasureCurve(map, mask.pixels).entries()) curve[level] += f;
          }
        }),
      );
    } finally {
      photos.dispose();
      maps.dispose();
    }
  }
  const mean = (sum: number) => sum / dataset.length;
  return {
    photos: dataset.length,
    mae: mean(sums.mae),
    maxF: mean(Math.max(...curve)),
    sMeasure: mean(sums.sMeasure),
    iou: mean(sums.iou),
    foregroundShare: mean(sums.foregroundShare),
  };
}
