import type { Tensor } from "@salmask/torch";
import { drawView, renderView, wholeView } from "../augment/index.js";
import type { RunConfig } from "../config/schema.js";
import { openDataset, type PackedDataset } from "../data/cache.js";
import { gridFor } from "../masking/grid.js";
import { maskViews, negativesOfQueries } from "../masking/mask.js";
import { strideOf } from "../models/resnet.js";
import { sourceWithoutRun } from "../models/saliency-source.js";
import type { SaliencySource } from "../saliency/source.js";
import { foregroundCells } from "../saliency/threshold.js";
import { aroundGrey, denormalize, drawSheet, heatMap, type SheetColumn, spread } from "./sheet.js";

export interface SheetOptions {
  photos: string;
  /** The PNG to write. */
  out: string;
  /** Photos to draw, evenly spread over the set. */
  count: number;
  config: RunConfig;
  report?: (line: string) => void;
}

/**
 * Draws what a run with this configuration compares: photo, key, saliency of the key, query and hard negative of each
 * of a few photos, as the first epoch after warm-up masks them.
 */
export async function sheetOfPhotos(options: SheetOptions): Promise<{ path: string; photos: string[] }> {
  const { photos, out, config, report = () => {} } = options;
  const dataset = await openDataset(photos, {
    ...config.data,
    cacheDir: config.data.cache,
    onProgress: ({ done }) => report(`decoded ${done} photos`),
  });
  const source = sourceWithoutRun(config.saliency);
  try {
    await drawSheet(out, () => draw(dataset, source, options));
    const ids = spread(dataset.length, options.count);
    return { path: out, photos: Array.from(ids, (id) => dataset.names[id]) };
  } finally {
    source.dispose();
    dataset.close();
  }
}

function draw(
  dataset: PackedDataset,
  source: SaliencySource,
  { config, count }: SheetOptions,
): SheetColumn[] {
  const { seed, data, mask, saliency } = config;
  const { crop } = data;
  const grid = gridFor(crop, strideOf(config.model.stem));
  const ids = spread(dataset.length, count);
  const images = dataset.images(ids); // uint8 [B, 3, S, S]
  const draws = [0, 1].map((view) =>
    drawView({ seed, epoch: 0, view }, ids, dataset.originalSizes, dataset.size, config.augment),
  );
  const [query, key] = draws.map((view) => renderView(images, view, { crop })); // [B, 3, crop, crop] each
  const photo = renderView(images, wholeView(ids, dataset.originalSizes, dataset.size), { crop });
  const [querySaliency, keySaliency] = [query, key].map((crops) => source.maps(crops, grid)); // [B, rows, cols] each
  const [queryForeground, keyForeground] = [querySaliency, keySaliency].map((maps) =>
    foregroundCells(maps, saliency.threshold),
  );
  const crops = { query, key, queryForeground, keyForeground };
  const views = maskViews(crops, { seed, epoch: 0, ids }, grid, mask);
  const show = mask.fill === "high-pass" ? aroundGrey : denormalize;
  const rows = (batch: Tensor, picture: (row: Tensor) => Tensor) =>
    Array.from(ids, (_, row) => picture(batch.select(0, row)));
  const columns: SheetColumn[] = [
    { title: "photo", pictures: rows(photo, denormalize) },
    { title: "key crop", pictures: rows(key, denormalize) },
    { title: "its saliency", pictures: rows(keySaliency, (map) => heatMap(map)) },
    { title: "key", pictures: rows(views.key, show) },
    { title: "query", pictures: rows(views.query, show) },
  ];
  if (views.negatives !== null) {
    const negatives = negativesOfQueries(views.negatives, views); // [M * B, 3, crop, crop]
    columns.push({ title: "hard negative", pictures: rows(negatives, show) });
  }
  return columns;
}
