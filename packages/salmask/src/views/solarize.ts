import { ops, type Tensor } from "@salmask/torch";
import { applyToRows, rowsWhere } from "../image/rows.js";

/** The least value that is inverted, of 255: PIL's threshold, which the recipes of MoCo v3 and Barlow Twins use. */
const THRESHOLD = 128;

/**
 * Inverts the bright values of images with `solarize` 1, in place: torchvision's `solarize` (Grill et al. 2020, appendix B).
 *
 * @param images float32 [B, C, H, W] in [0, 1].
 * @param solarize [B].
 */
export function solarizeView(images: Tensor, solarize: Uint8Array): void {
  const rows = rowsWhere(solarize.length, (row) => solarize[row] === 1);
  applyToRows(images, rows, (chosen) => ops.where(chosen.ge(THRESHOLD / 255), chosen.neg().add(1), chosen));
}
