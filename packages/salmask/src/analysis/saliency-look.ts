/** The maps of a saliency source for whole photos, with their true masks. Scores and sheets use the same maps. */
import { keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { photoOf } from "../data/samples/samples.js";
import type { PackedDataset } from "../data/store/dataset.js";
import type { Grid } from "../masking/grid.js";
import { readMap } from "../saliency/maps/map-files.js";
import type { ThresholdOptions } from "../saliency/settings.js";
import { type LateSaliencySource, mapsOf, type SaliencySource } from "../saliency/source.js";
import { foregroundCells } from "../saliency/threshold.js";
import { wholeView } from "../views/draw.js";
import { renderView } from "../views/render.js";

export interface LookOptions {
  dataset: PackedDataset;
  source: SaliencySource | LateSaliencySource;
  /** The grid of the whole photo as the source gets it: `rows * cell` pixels high. */
  grid: Grid;
  threshold: ThresholdOptions;
}

/** Pixels of a photo per cell of the scored map. Masking itself uses the cells of the grid. */
const fineCell = 8;

/** A true mask, in the size of its photo. */
export interface Mask {
  /** `[height * width]`, 0 or 1. */
  pixels: Uint8Array;
  height: number;
  width: number;
}

/** One photo. */
export interface Look {
  /** float32 `[3, side, side]`: the input of the source, normalised. */
  photo: Tensor;
  /** float32 `[rows, cols]`, finer than the grid: the output of the source. */
  saliency: Tensor;
  /** `[rows * cols]`, 1 for foreground cells. */
  foreground: Uint8Array;
  /** Share of the cells that are foreground. */
  share: number;
  mask: Mask;
  /** float32 `[H, W]`: the saliency that is scored, scaled to [0, 1] and resized to the photo's pixels. */
  scoredMap: Tensor;
  /** `[H * W]`: the foreground that is scored, in the photo's pixels. */
  scoredForeground: Uint8Array;
}

/** The masks of the photos `ids`; white is the object. `paths` holds the paths for all photos. */
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

/** The inputs and outputs of a source. */
export interface Asked {
  /** float32 `[B, 3, side, side]`, normalised. */
  photos: Tensor;
  /** float32 `[B, rows, cols]`, finer than the grid. */
  maps: Tensor;
}

/** Computes the source's maps of the photos `ids` [B]. The tensors belong to the caller and to no scope. */
export async function ask(ids: Int32Array, { dataset, source, grid }: LookOptions): Promise<Asked> {
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  const side = grid.rows * grid.cell;
  const photos = keep(scope(() => renderView(dataset.images(ids), whole, { crop: side }))); // [B, 3, side, side]
  const finer = Math.max(1, Math.floor(grid.cell / fineCell));
  const size = { rows: grid.rows * finer, cols: grid.cols * finer };
  return { photos, maps: keep(await mapsOf(source, photos, size)) };
}

/** Each photo's map, foreground and mask. The tensors belong to the surrounding scope. */
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

/** Scales `[rows, cols]` to [0, 1] and resizes it to the photo's pixels `[H, W]`. A constant map becomes 0. */
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

/** Resizes cells `[rows * cols]` to the photo's pixels `[H * W]`; each pixel gets the value of its cell. */
function cellsToPixels(cells: Uint8Array, { rows, cols }: Grid, { height, width }: Mask): Uint8Array {
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * rows) / height) * cols;
    for (let x = 0; x < width; x++) out[y * width + x] = cells[row + Math.floor((x * cols) / width)];
  }
  return out;
}
