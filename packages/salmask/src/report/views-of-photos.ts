import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { type Report, silent } from "../base/events.js";
import { spread } from "../base/spread.js";
import type { RunConfig } from "../config/schema.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { openPhotos } from "../data/store/open-photos.js";
import { aroundGrey, denormalize } from "../image/show.js";
import { gridFor } from "../masking/grid.js";
import { perQuery } from "../masking/hard-negatives.js";
import { coloursOf } from "../models/hidden-patches.js";
import { strideOf } from "../models/registry.js";
import { SaliencyGuide } from "../saliency/guide.js";
import { builtInMethods } from "../ssl/registry.js";
import { wholeView } from "../views/draw.js";
import type { ViewRecipe } from "../views/recipe.js";
import { renderView } from "../views/render.js";
import { type Crops, seeViews } from "../views/see.js";
import { drawSheet, heatMap, type SheetColumn } from "./sheet.js";

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

/**
 * Draws the pictures that a run with these settings compares: photo, key, saliency of the key, query, small crops and hard
 * negative for some photos, with the masks of the first epoch. In methods with two directions, key and query are the second and
 * the first view, as sources.
 */
export async function sheetOfPhotos(options: SheetOptions): Promise<{ path: string; photos: string[] }> {
  const { photos, out, config, signal, report = silent } = options;
  const stride = strideOf(config.model);
  gridFor(config.data.crop, stride);
  const recipe = builtInMethods.recipe(config);
  const dataset = await openPhotos(photos, { ...config.data, signal, report });
  try {
    const ids = spread(dataset.length, options.count);
    const guide = await SaliencyGuide.open(config, { dataset, stride, ids, signal });
    try {
      await drawSheet(out, () => columnsOf({ dataset, guide, config, recipe, stride, ids }));
    } finally {
      guide.dispose();
    }
    return { path: out, photos: Array.from(ids, (id) => dataset.names[id]) };
  } finally {
    dataset.close();
  }
}

interface Drawn {
  readonly dataset: PackedDataset;
  readonly guide: SaliencyGuide;
  readonly config: RunConfig;
  readonly recipe: ViewRecipe;
  readonly stride: number;
  readonly ids: Int32Array;
}

function columnsOf({ dataset, guide, config, recipe, stride, ids }: Drawn): SheetColumn[] {
  const { crop } = config.data;
  const scene = { dataset, finder: guide, stride, device: "cpu" };
  const { views, negatives } = seeViews(recipe, scene, { seed: config.seed, epoch: 0, ids });
  const [query, key, ...others] = views;
  const [first, second] = recipe.kinds.map(({ name }) => name);
  const images = dataset.images(ids); // uint8 [B, 3, S, S]
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  const photo = renderView(images, whole, { crop }); // [B, 3, crop, crop]
  const keyCrops: Crops = { pixels: renderView(images, key.draw, { crop }), draw: key.draw }; // of [B, 3, crop, crop]
  const saliency = guide.saliencyOf(keyCrops, ids); // [B, rows, cols]
  const show = config.mask.fill === "high-pass" ? aroundGrey : denormalize;
  const rows = (batch: Tensor, picture: (row: Tensor) => Tensor) =>
    Array.from(ids, (_, row) => picture(batch.select(0, row)));
  const columns: SheetColumn[] = [
    { title: "photo", pictures: rows(photo, denormalize) },
    { title: `${second} crop`, pictures: rows(keyCrops.pixels, denormalize) },
    ...(saliency === null ? [] : [{ title: "its saliency", pictures: rows(saliency, heatMap) }]),
    ...(key.foreground === null
      ? []
      : [
          {
            title: "its object",
            pictures: rows(foregroundMap(key.foreground.cells, crop / stride), heatMap),
          },
        ]),
    { title: second, pictures: rows(coloursOf(key.masked), show) },
    { title: first, pictures: rows(coloursOf(query.masked), show) },
    ...others.map(({ masked }, i) => ({
      title: `small crop ${i + 1}`,
      pictures: rows(coloursOf(masked), show),
    })),
  ];
  if (negatives !== null) {
    const pixels = perQuery(negatives.pixels, negatives.rows); // [M * B, 3, crop, crop]
    columns.push({ title: "hard negative", pictures: rows(coloursOf(pixels), show) });
  }
  return columns;
}

/** `[B * side * side]`, 0 or 1, to `[B, side, side]`. */
function foregroundMap(cells: Uint8Array, side: number): Tensor {
  return scope(() => fromTypedArray(Float32Array.from(cells), [cells.length / side ** 2, side, side]));
}
