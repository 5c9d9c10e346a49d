import { scope, type Tensor } from "@salmask/torch";
import type { RunConfig } from "../config/schema.js";
import { openDataset, type PackedDataset } from "../data/store/dataset.js";
import { gridFor } from "../masking/grid.js";
import { maskViews, negativesOfQueries } from "../masking/mask.js";
import { strideOf } from "../models/resnet.js";
import { openSource } from "../saliency/open.js";
import { photoViewOf } from "../saliency/photo-maps.js";
import { type LateSaliencySource, mapsOf, type SaliencySource } from "../saliency/source.js";
import { foregroundCells } from "../saliency/threshold.js";
import { cropMaps, drawView, renderView, type ViewDraw, wholeView } from "../views/index.js";
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
  const source = await openSource(config.saliency);
  const ids = spread(dataset.length, options.count);
  const draws = drawBoth(dataset, ids, config);
  const crops = scope(() => cropPhotos(dataset, ids, draws, config));
  const held: Tensor[] = Object.values(crops);
  try {
    const saliency = await saliencyOf(source, crops, draws, config);
    held.push(saliency.query, saliency.key);
    await drawSheet(out, () => draw(crops, saliency, ids, config));
    return { path: out, photos: Array.from(ids, (id) => dataset.names[id]) };
  } finally {
    for (const tensor of held) tensor.dispose();
    await source.dispose();
    dataset.close();
  }
}

/** float32 `[B, 3, crop, crop]` each, normalised; `seen` is the whole photo at the side that saliency is asked at. */
type PhotoCrops = Record<"photo" | "seen" | "query" | "key", Tensor>;

type ViewDraws = Record<"query" | "key", ViewDraw>;

/** `[B, rows, cols]` each. */
type Saliency = Record<"query" | "key", Tensor>;

/** The two views of each photo as the first epoch draws them. */
function drawBoth(dataset: PackedDataset, ids: Int32Array, { seed, augment }: RunConfig): ViewDraws {
  const [query, key] = [0, 1].map((view) =>
    drawView({ seed, epoch: 0, view }, ids, dataset.originalSizes, dataset.size, augment),
  );
  return { query, key };
}

/** What the source says of each crop, or of each photo, cropped like its views: as the run's scope has it. */
async function saliencyOf(
  source: SaliencySource | LateSaliencySource,
  crops: PhotoCrops,
  draws: ViewDraws,
  { data, model, saliency }: RunConfig,
): Promise<Saliency> {
  const grid = gridFor(data.crop, strideOf(model.stem));
  if (saliency.scope === "crop") {
    return { query: await mapsOf(source, crops.query, grid), key: await mapsOf(source, crops.key, grid) };
  }
  const maps = await mapsOf(source, crops.seen, photoViewOf(data.crop, grid.cell)); // [B, rows', cols']
  try {
    const cropped = (draw: ViewDraw) => cropMaps(maps, draw, grid.rows, grid.cols); // [B, rows, cols]
    return { query: cropped(draws.query), key: cropped(draws.key) };
  } finally {
    maps.dispose();
  }
}

function cropPhotos(
  dataset: PackedDataset,
  ids: Int32Array,
  draws: ViewDraws,
  { data, model }: RunConfig,
): PhotoCrops {
  const { crop } = data;
  const images = dataset.images(ids); // uint8 [B, 3, S, S]
  const { side } = photoViewOf(crop, strideOf(model.stem));
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  return {
    photo: renderView(images, whole, { crop }), // [B, 3, crop, crop]
    seen: renderView(images, whole, { crop: side }), // [B, 3, side, side]
    query: renderView(images, draws.query, { crop }), // [B, 3, crop, crop]
    key: renderView(images, draws.key, { crop }), // [B, 3, crop, crop]
  };
}

function draw(
  { photo, query, key }: PhotoCrops,
  maps: Saliency,
  ids: Int32Array,
  { seed, data, model, mask, saliency }: RunConfig,
): SheetColumn[] {
  const { crop } = data;
  const grid = gridFor(crop, strideOf(model.stem));
  const queryForeground = foregroundCells(maps.query, saliency.threshold);
  const keyForeground = foregroundCells(maps.key, saliency.threshold);
  const crops = { query, key, queryForeground, keyForeground };
  const views = maskViews(crops, { seed, epoch: 0, ids }, grid, mask);
  const show = mask.fill === "high-pass" ? aroundGrey : denormalize;
  const rows = (batch: Tensor, picture: (row: Tensor) => Tensor) =>
    Array.from(ids, (_, row) => picture(batch.select(0, row)));
  const columns: SheetColumn[] = [
    { title: "photo", pictures: rows(photo, denormalize) },
    { title: "key crop", pictures: rows(key, denormalize) },
    { title: "its saliency", pictures: rows(maps.key, (map) => heatMap(map)) },
    { title: "key", pictures: rows(views.key, show) },
    { title: "query", pictures: rows(views.query, show) },
  ];
  if (views.negatives !== null) {
    const negatives = negativesOfQueries(views.negatives, views); // [M * B, 3, crop, crop]
    columns.push({ title: "hard negative", pictures: rows(negatives, show) });
  }
  return columns;
}
