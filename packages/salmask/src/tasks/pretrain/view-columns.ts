/** The pictures that a run compares, for people: from the photo to the views that the encoder sees. */
import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { sent } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { heatMap } from "../../image/heat-map.js";
import { aroundGrey, denormalize } from "../../image/show.js";
import { perQuery } from "../../masking/hard-negatives.js";
import { coloursOf } from "../../models/hidden-patches.js";
import type { SaliencyGuide } from "../../saliency/guide.js";
import { wholeView } from "../../views/draw.js";
import type { ViewRecipe } from "../../views/recipe.js";
import { renderView } from "../../views/render.js";
import { type Crops, seeViews } from "../../views/see.js";

/** Pictures of one kind, one per photo. */
export interface ViewColumn {
  readonly title: string;
  /** `[3, H, W]` each, in [0, 1]. */
  readonly pictures: Tensor[];
}

export interface Drawn {
  readonly dataset: PackedDataset;
  readonly guide: SaliencyGuide;
  readonly config: RunConfig;
  readonly recipe: ViewRecipe;
  readonly cell: number;
  readonly device: string;
  /** Of the masks and the crops. */
  readonly epoch: number;
  readonly ids: Int32Array;
}

/**
 * Photo, key, saliency of the key, query, small crops and hard negative of some photos, as training sees them in an epoch. In methods
 * with two directions, key and query are the second and the first view, as sources. The tensors belong to the surrounding scope.
 */
export function viewColumns({
  dataset,
  guide,
  config,
  recipe,
  cell,
  device,
  epoch,
  ids,
}: Drawn): ViewColumn[] {
  const { crop } = config.data;
  const scene = { dataset, finder: guide, cell, device };
  const { views, negatives } = seeViews(recipe, scene, { seed: config.seed, epoch, ids });
  const [query, key, ...others] = views;
  const [first, second] = recipe.kinds.map(({ name }) => name);
  const images = sent(dataset.images(ids), device); // uint8 [B, 3, S, S]
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  const photo = renderView(images, whole, { crop }); // [B, 3, crop, crop]
  const keyCrops: Crops = { pixels: renderView(images, key.draw, { crop }), draw: key.draw }; // of [B, 3, crop, crop]
  const saliency = guide.saliencyOf(keyCrops, ids); // [B, rows, cols]
  const show = config.mask.fill === "high-pass" ? aroundGrey : denormalize;
  const rows = (batch: Tensor, picture: (row: Tensor) => Tensor) =>
    Array.from(ids, (_, row) => picture(batch.select(0, row)));
  const columns: ViewColumn[] = [
    { title: "photo", pictures: rows(photo, denormalize) },
    { title: `${second} crop`, pictures: rows(keyCrops.pixels, denormalize) },
    ...(saliency === null ? [] : [{ title: "its saliency", pictures: rows(saliency, heatMap) }]),
    ...(key.foreground === null
      ? []
      : [
          {
            title: "its object",
            pictures: rows(foregroundMap(key.foreground.cells, crop / cell), heatMap),
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
