/** A picture sheet of the objects that a saliency source finds, with the true masks. */
import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import type { SaliencyEvalOptions } from "../analysis/saliency-eval.js";
import { ask, type Look, lookAt, readMasks } from "../analysis/saliency-look.js";
import { spread } from "../base/spread.js";
import { heatMap } from "../image/heat-map.js";
import { denormalize } from "../image/show.js";
import type { Grid } from "../masking/grid.js";
import { findMaps } from "../saliency/maps/map-files.js";
import { drawSheet, type SheetColumn } from "./sheet.js";

/** Brightness factor of the cells outside the foreground. */
const dimmed = 0.25;

/** The photos, masks and source to score, and the sheet to draw of them. */
export interface SaliencySheetOptions extends SaliencyEvalOptions {
  /** The PNG to write. */
  out: string;
  /** Number of photos to draw, evenly spread over the data set. */
  count: number;
}

/**
 * Draws some photos with their true masks, the source's map and foreground cells, and both in the photo's pixels as
 * `evaluateSaliency` scores them. Returns the photos' names. Throws DataError if a mask is missing.
 */
export async function sheetOfSaliency(options: SaliencySheetOptions): Promise<string[]> {
  const { dataset, out, count, grid } = options;
  const paths = await findMaps(options.masks, dataset.names);
  const ids = spread(dataset.length, count);
  const masks = await readMasks(ids, paths, dataset);
  const asked = await ask(ids, options);
  try {
    await drawSheet(out, () => columnsOf(lookAt(asked, masks, options), grid));
  } finally {
    for (const tensor of Object.values(asked)) tensor.dispose();
  }
  return Array.from(ids, (id) => dataset.names[id]);
}

function columnsOf(looks: readonly Look[], grid: Grid): SheetColumn[] {
  const column = (title: string, picture: (look: Look) => Tensor) => ({
    title,
    pictures: looks.map(picture),
  });
  return [
    column("photo", ({ photo }) => denormalize(photo)),
    column("true mask", ({ mask }) => againstMask(mask.pixels, mask)),
    column("saliency", ({ saliency }) => heatMap(saliency)),
    column("as scored", ({ scoredMap }) => heatMap(scoredMap)),
    column("foreground", (look) => onlyForeground(look, grid)),
    column("as scored", ({ scoredForeground, mask }) => againstMask(scoredForeground, mask)),
  ];
}

/** The photo, dark outside its foreground cells: `[3, side, side]`. */
function onlyForeground({ photo, foreground }: Look, { rows, cols, cell }: Grid): Tensor {
  const light = Float32Array.from(foreground, (on) => (on === 1 ? 1 : dimmed));
  return scope(() => {
    const cells = fromTypedArray(light, [1, rows, cols]); // [1, rows, cols]
    const pixels = cells.repeatInterleave(cell, { dim: 1 }).repeatInterleave(cell, { dim: 2 }); // [1, side, side]
    return denormalize(photo).mul(pixels); // [3, side, side]
  });
}

/** Compares pixels `[H * W]` with the true mask: white for both, red only found, blue only true; `[3, H, W]`. */
function againstMask(found: Uint8Array, { pixels, height, width }: Look["mask"]): Tensor {
  const colours = Float32Array.from([...found, ...found.map((on, i) => on & pixels[i]), ...pixels]);
  return fromTypedArray(colours, [3, height, width]); // [3, H, W]
}
