import { UsageError } from "../base/errors.js";

/** The cells in which a crop is masked: one per position of the network's last feature maps. */
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
