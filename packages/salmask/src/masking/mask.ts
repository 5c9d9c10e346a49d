/** From two crops and their objects to what the encoders see: the masked views and the hard negatives. */
import { fromTypedArray, noGrad, ops, scope, type Tensor, tensor } from "@salmask/torch";
import { SalmaskError } from "../base/errors.js";
import type { Foreground } from "../saliency/threshold.js";
import { drawMasks, type MaskDraw, type MaskDrawOptions, type MaskKey } from "./draw.js";
import type { Fill } from "./fills/fill.js";
import { fillOf } from "./fills/registry.js";
import type { Grid } from "./grid.js";
import { maskPixels } from "./pixels.js";
import type { MaskOptions } from "./settings.js";

/** Two crops of the same photos, normalised and not filtered, and which of their cells show the object. */
export interface Crops {
  /** float32 `[B, 3, H, W]` */
  readonly query: Tensor;
  /** float32 `[B, 3, H, W]` */
  readonly key: Tensor;
  /** Of the query crop; null where nothing says so. */
  readonly queryForeground: Foreground | null;
  /** Of the key crop; null where nothing says so. */
  readonly keyForeground: Foreground | null;
}

/** What the encoders see. */
export interface MaskedViews {
  /** float32 `[B, 3, H, W]` */
  query: Tensor;
  /** float32 `[B, 3, H, W]` */
  key: Tensor;
  /**
   * float32 `[M * B, 3, H, W]`: row m * B + i is the key crop i without its object; `[M, 3, H, W]`, of the first crop,
   * where they are shared; null where none is asked for.
   */
  negatives: Tensor | null;
  /** `[M * B]`: the row of `negatives` that query i has as its m-th, at m * B + i; null where it is that row itself. */
  negativeRows: Int32Array | null;
  /** bool `[M * B]`: false where a crop has no object to lose, and its negative would be a second positive. */
  negativeValid: Tensor | null;
  /** Mean share of the values of the masked views, not the negatives, that is replaced; 0 where none is masked. */
  maskedShare: number;
}

/** The numbers of an image's masked views in its random keys; hard negative m has `firstNegative + m`. */
const viewNumber = { query: 0, key: 1, firstNegative: 2 };

/** A view as it leaves this room, and the masks it was given; null where it was given none. */
interface MaskedView {
  readonly pixels: Tensor;
  readonly draw: MaskDraw | null;
}

/**
 * Masks the views that `options.branch` names, and makes `options.negative.count` hard negatives of each key crop,
 * guided by the key crop's own object. Both views are prepared as the fill asks for, masked or not. With
 * `fill: "none"` nothing is masked and there are no negatives. Gradients do not flow through.
 *
 * @param key names every random decision, with each image's id, `ids` [B]
 * @throws SalmaskError `foreground-missing` where cells are guided and a crop that is masked has no foreground;
 *   `grid-mismatch` where crops or foregrounds are not of the grid's size
 */
export function maskViews(
  crops: Crops,
  key: Omit<MaskKey, "view">,
  grid: Grid,
  options: MaskOptions,
): MaskedViews {
  const fill = fillOf(options);
  const { branch } = options;
  const masks = options.fill !== "none";
  const count = masks ? options.negative.count : 0;
  const batch = key.ids.length;
  return noGrad(() =>
    scope(() => {
      checkCrops(crops, grid);
      const query = fill.prepare(crops.query); // [B, 3, H, W]
      const clean = fill.prepare(crops.key); // [B, 3, H, W]
      const queryCells = () => guide(crops.queryForeground, batch, grid, options);
      const keyCells = () => guide(crops.keyForeground, batch, grid, options);
      const positive = (prepared: Tensor, cells: Uint8Array, view: number) =>
        maskView(prepared, cells, grid, {
          key: { ...key, view },
          fill,
          role: "positive",
          ratio: options.ratio,
          foregroundShare: options.foregroundShare,
        });

      const maskedQuery: MaskedView =
        masks && (branch === "query" || branch === "both")
          ? positive(query, queryCells(), viewNumber.query)
          : { pixels: query, draw: null };
      const maskedKey: MaskedView =
        masks && (branch === "key" || branch === "both")
          ? positive(clean, keyCells(), viewNumber.key)
          : { pixels: clean, draw: null };
      const { ratio, of } = options.negative;
      const losing = of === "shared" ? Math.min(1, batch) : batch; // key crops that lose their object
      const ids = Array.from(key.ids).slice(0, losing);
      const negatives = Array.from({ length: count }, (_, m) => {
        const own = { ...key, ids, view: viewNumber.firstNegative + m };
        const cells = keyCells().subarray(0, losing * grid.rows * grid.cols);
        return maskView(clean.narrow(0, 0, losing), cells, grid, { key: own, fill, role: "negative", ratio });
      });
      return {
        query: maskedQuery.pixels,
        key: maskedKey.pixels,
        negatives: count === 0 ? null : ops.cat(negatives.map(({ pixels }) => pixels)), // [M * B or M, 3, H, W]
        negativeRows:
          count === 0 || of === "own"
            ? null
            : Int32Array.from({ length: count * batch }, (_, at) => Math.floor(at / batch)),
        negativeValid: count === 0 ? null : validRows(negatives, batch, clean.device), // [M * B]
        maskedShare: meanMaskedShare([maskedQuery, maskedKey]),
      };
    }),
  );
}

/**
 * Each query's hard negatives, `[M * B, ...]`, from what was made of the rows of `negatives`: pixels or embeddings,
 * `[M * B, ...]`, or `[M, ...]` where they are shared.
 */
export function negativesOfQueries(
  rows: Tensor,
  { negativeRows }: Pick<MaskedViews, "negativeRows">,
): Tensor {
  return negativeRows === null ? rows : rows.indexSelect(0, tensor(negativeRows, { device: rows.device })); // [M * B, ...]
}

/** One masked copy of each crop. `prepared` float32 `[B, 3, H, W]`, `foreground` `[B * rows * cols]`. */
function maskView(
  prepared: Tensor,
  foreground: Uint8Array,
  grid: Grid,
  how: { key: MaskKey; fill: Fill } & Omit<MaskDrawOptions, "shapes">,
): MaskedView & { draw: MaskDraw } {
  const { key, fill, role, ratio, foregroundShare } = how;
  const draw = drawMasks(foreground, key, grid, { role, ratio, foregroundShare, shapes: fill.shapes });
  const pixels = scope(() => {
    const mask = maskPixels(draw, grid, prepared.device); // [B, 1 or 3, H, W]
    return ops.where(mask, fill.replacement(prepared, { role, key }), prepared); // [B, 3, H, W]
  });
  return { pixels, draw };
}

/** The cells that masks go by, `[B * rows * cols]`: the object's, or, for the control, all alike. */
function guide(foreground: Foreground | null, batch: number, grid: Grid, { cells }: MaskOptions): Uint8Array {
  const length = batch * grid.rows * grid.cols;
  if (cells === "random") return new Uint8Array(length).fill(1);
  if (foreground === null) {
    throw new SalmaskError(
      "foreground-missing",
      'Expected the foreground of every crop that is masked by it, but none came. Set mask.cells to "random" to do without.',
    );
  }
  if (foreground.cells.length !== length) {
    throw new SalmaskError(
      "grid-mismatch",
      `Expected the foreground of ${batch} crops of ${grid.rows} x ${grid.cols} cells, ${length} in all, ` +
        `but ${foreground.cells.length} came.`,
    );
  }
  return foreground.cells;
}

function checkCrops({ query, key }: Crops, { rows, cols, cell }: Grid): void {
  for (const crop of [query, key]) {
    const [, , height, width] = crop.shape;
    if (height === rows * cell && width === cols * cell) continue;
    throw new SalmaskError(
      "grid-mismatch",
      `Expected crops of ${rows * cell} x ${cols * cell} pixels for the grid, but ${height} x ${width} came.`,
    );
  }
}

/** bool `[M * B]`, whether each query's negatives are its own or the first's. */
function validRows(negatives: readonly { draw: MaskDraw }[], batch: number, device: string): Tensor {
  const ofQueries = ({ valid }: MaskDraw) =>
    Array.from({ length: batch }, (_, query) => valid[query % valid.length]);
  const rows = Uint8Array.from(negatives.flatMap(({ draw }) => ofQueries(draw)));
  return fromTypedArray(rows, [rows.length], { dtype: "bool", device });
}

function meanMaskedShare(views: readonly MaskedView[]): number {
  const shares = views.flatMap(({ draw }) => (draw === null ? [] : Array.from(draw.maskedShare)));
  return shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}
