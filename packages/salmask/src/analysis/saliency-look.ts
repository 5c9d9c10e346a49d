/** What a saliency source says of whole photos, beside their true masks: scores and sheets go by the same. */
import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { photoOf } from "../data/samples/samples.js";
import type { PackedDataset } from "../data/store/dataset.js";
import type { Grid } from "../masking/grid.js";
import { readMap } from "../saliency/map-files.js";
import type { ThresholdOptions } from "../saliency/settings.js";
import { type LateSaliencySource, mapsOf, type SaliencySource } from "../saliency/source.js";
import { foregroundCells } from "../saliency/threshold.js";
import { wholeView } from "../views/draw.js";
import { renderView } from "../views/render.js";

export interface LookOptions {
  dataset: PackedDataset;
  source: SaliencySource | LateSaliencySource;
  /** Of the whole photo as the source sees it: `rows * cell` pixels high. */
  grid: Grid;
  threshold: ThresholdOptions;
}

/** Pixels of a photo that a cell of the scored map covers; masking itself goes by the grid's cells. */
const fineCell = 8;

/** A true mask at its photo's size. */
export interface Mask {
  /** `[height * width]`, 0 or 1. */
  pixels: Uint8Array;
  height: number;
  width: number;
}

/** One photo. */
export interface Look {
  /** float32 `[3, side, side]`: what the source saw, normalised. */
  photo: Tensor;
  /** float32 `[rows, cols]`, finer than the grid: what it said. */
  saliency: Tensor;
  /** `[rows * cols]`, 1 where the cell is foreground. */
  foreground: Uint8Array;
  /** Share of the cells that are foreground. */
  share: number;
  mask: Mask;
  /** float32 `[H, W]`: the saliency scaled to [0, 1] and to the photo's pixels, as it is scored. */
  scoredMap: Tensor;
  /** `[H * W]`: the foreground in the photo's pixels, as it is scored. */
  scoredForeground: Uint8Array;
}

/** The masks of some photos; white is the object. `paths` are those of all photos. */
export function readMasks(
  ids: Int32Array,
  paths: readonly string[],
  dataset: PackedDataset,
): Promise<Mask[]> {
  const one = async (id: number): Promise<Mask> => {
    const map = await readMap(paths[id], photoOf(dataset, id));
    return { ...map, pixels: map.pixels.map((value) => Number(value > 127)) };
  };
  return Promise.all(Array.from(ids, one));
}

/** What a source was shown and what it said. */
export interface Asked {
  /** float32 `[B, 3, side, side]`, normalised. */
  photos: Tensor;
  /** float32 `[B, rows, cols]`, finer than the grid. */
  maps: Tensor;
}

/** Asks the source about the photos `ids` [B]. The tensors are the caller's, in no scope. */
export async function ask(ids: Int32Array, { dataset, source, grid }: LookOptions): Promise<Asked> {
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  const side = grid.rows * grid.cell;
  const photos = keep(scope(() => renderView(dataset.images(ids), whole, { crop: side }))); // [B, 3, side, side]
  const finer = Math.max(1, Math.floor(grid.cell / fineCell));
  const size = { rows: grid.rows * finer, cols: grid.cols * finer };
  return { photos, maps: keep(await mapsOf(source, photos, size)) };
}

/** What it said of each photo, whose masks come along. The tensors belong to the scope around. */
export function lookAt({ photos, maps }: Asked, masks: readonly Mask[], options: LookOptions): Look[] {
  const { grid, threshold } = options;
  const size = grid.rows * grid.cols;
  return noGrad(() => {
    const { cells, shares } = foregroundCells(maps.adaptiveAvgPool2d([grid.rows, grid.cols]), threshold);
    return masks.map((mask, row) => {
      const saliency = maps.select(0, row); // [rows, cols]
      const foreground = cells.subarray(row * size, (row + 1) * size);
      return {
        photo: photos.select(0, row),
        saliency,
        foreground,
        share: shares[row],
        mask,
        scoredMap: toPixels(saliency, mask),
        scoredForeground: cellsToPixels(foreground, grid, mask),
      };
    });
  });
}

/** `[rows, cols]` scaled to [0, 1] and to the photo's pixels `[H, W]`; a flat map is 0 all over. */
function toPixels(map: Tensor, { height, width }: Mask): Tensor {
  return scope(() => {
    const [rows, cols] = map.shape;
    const planes = map.reshape([1, 1, rows, cols]); // [1, 1, rows, cols]
    const large = ops.upsampleBilinear2d(planes, [height, width], false).reshape([height, width]); // [H, W]
    const low = large.amin();
    const spread = large.amax().sub(low).clampMin(1e-12);
    return large.sub(low).div(spread); // [H, W]
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
