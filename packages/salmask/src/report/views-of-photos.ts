import { type Report, silent } from "../base/events.js";
import { spread } from "../base/spread.js";
import { onCpu } from "../compute/compute.js";
import type { RunConfig } from "../config/schema.js";
import { openPhotos } from "../data/store/open-photos.js";
import { maskGrid } from "../masking/grid.js";
import { strideOf } from "../models/registry.js";
import { SaliencyGuide } from "../saliency/guide.js";
import { builtInMethods } from "../ssl/registry.js";
import { viewColumns } from "../tasks/pretrain/view-columns.js";
import { drawSheet } from "./sheet.js";

export interface SheetOptions {
  readonly photos: string;
  /** The PNG to write. */
  readonly out: string;
  /** Number of photos to draw, evenly spread over the data set. */
  readonly count: number;
  readonly config: RunConfig;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Draws the pictures that a run with these settings compares, for some photos, with the masks of the first epoch. */
export async function sheetOfPhotos(options: SheetOptions): Promise<{ path: string; photos: string[] }> {
  const { photos, out, config, signal, report = silent } = options;
  const { cell } = maskGrid(config.data.crop, strideOf(config.model), config.mask.grid);
  const recipe = builtInMethods.recipe(config);
  const dataset = await openPhotos(photos, { ...config.data, signal, report });
  try {
    const ids = spread(dataset.length, options.count);
    const guide = await SaliencyGuide.open(config, { dataset, cell, ids, signal });
    try {
      const drawn = { dataset, guide, config, recipe, cell, device: onCpu.device, epoch: 0, ids };
      await drawSheet(out, () => viewColumns(drawn));
    } finally {
      guide.dispose();
    }
    return { path: out, photos: Array.from(ids, (id) => dataset.names[id]) };
  } finally {
    dataset.close();
  }
}
