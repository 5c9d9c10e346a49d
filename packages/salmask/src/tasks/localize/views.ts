/** The views that a localization network learns from. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { drawView, type ViewDraw, type ViewKey, wholeView } from "../../views/draw.js";
import { MOCO_V2_VIEW, type ViewOptions } from "../../views/settings.js";

/** Large crops, because the network is used on whole photos or on crops of them. */
const options: ViewOptions = { ...MOCO_V2_VIEW, scale: [0.4, 1], blurProbability: 0.2 };

/** Share of views that show the whole photo. */
const wholeShare = 0.3;

/** Draws a view of each photo; of some it shows the whole. */
export function drawCrops(
  key: ViewKey,
  ids: Int32Array,
  { originalSizes, size }: Pick<PackedDataset, "originalSizes" | "size">,
): ViewDraw {
  const draw = drawView(key, ids, originalSizes, size, options);
  const whole = wholeView(ids, originalSizes, size);
  for (const [row, id] of ids.entries()) {
    const random = new KeyedRandom(key.seed, purpose.wholePhoto, key.epoch, id, key.view);
    if (random.uniform() >= wholeShare) continue;
    draw.boxes.set(whole.boxes.subarray(4 * row, 4 * row + 4), 4 * row);
    draw.squareBoxes.set(whole.squareBoxes.subarray(4 * row, 4 * row + 4), 4 * row);
  }
  return draw;
}
