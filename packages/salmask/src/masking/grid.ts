import { UsageError } from "../base/errors.js";

/** The cells in which a crop is masked. */
export interface Grid {
  readonly rows: number;
  readonly cols: number;
  /** Side of a cell in pixels. */
  readonly cell: number;
}

/**
 * The grid of square crops for a network: 7 x 7 cells of 32 pixels for crop 224 and stride 32, as in the paper.
 *
 * @param crop side of the crop in pixels
 * @param stride pixels of the crop per position of the last feature maps, along each side
 * @throws UsageError `crop-not-multiple`
 */
export function gridFor(crop: number, stride: number): Grid {
  const cells = crop / stride;
  if (!Number.isInteger(cells) || cells < 1) {
    const below = Math.floor(cells) * stride;
    const nearest = below > 0 ? `${below} or ${below + stride}` : `${stride}`;
    throw new UsageError(
      "crop-not-multiple",
      `Expected a crop of a multiple of ${stride} pixels, the network's stride, got ${crop}. ` +
        `The nearest that fit: ${nearest}.`,
    );
  }
  return { rows: cells, cols: cells, cell: stride };
}

/**
 * The grid in which the crops of a run are masked: as many cells per side as `cells` says, or else one per position of the network's last
 * feature maps.
 *
 * @param crop side of the crop in pixels
 * @param stride pixels of the crop per position of the last feature maps, along each side
 * @param cells `mask.grid` of the settings
 * @throws UsageError `crop-not-multiple`, `grid-not-divisor`
 */
export function maskGrid(crop: number, stride: number, cells?: number): Grid {
  const positions = gridFor(crop, stride);
  if (cells === undefined) return positions;
  if (crop % cells === 0) return gridFor(crop, crop / cells);
  const fit = Array.from({ length: crop }, (_, i) => i + 1).filter((side) => crop % side === 0);
  const below = fit.findLast((side) => side < cells) ?? 1;
  const nearest = fit.filter((side) => side === below || side > cells).slice(0, 2);
  throw new UsageError(
    "grid-not-divisor",
    `Expected a number of cells per side that divides a crop of ${crop} pixels, got ${cells}. The nearest that fit: ${nearest.join(" or ")}.`,
  );
}
