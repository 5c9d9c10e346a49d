import { fromTypedArray, keep, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { mapOrdered } from "../base/concurrent.js";
import { UsageError } from "../base/errors.js";
import { sent } from "../compute/compute.js";
import type { RunConfig } from "../config/schema.js";
import { photoOf } from "../data/samples/samples.js";
import type { PackedDataset } from "../data/store/dataset.js";
import { gridFor } from "../masking/grid.js";
import { renderView, wholeView } from "../views/index.js";
import { findMaps, readMap } from "./map-files.js";
import type { LateSaliencySource, MapSize, SaliencySource } from "./source.js";

const readAtOnce = 8;
/** Pixels of all photos in one pass of a source, 8 photos of 128 pixels: what it holds stays below what a step does. */
const pixelsAtOnce = 2 ** 17;

/** How whole photos are looked at: squashed to squares of `side` pixels, in that many cells. */
export interface PhotoView extends MapSize {
  readonly side: number;
}

/** How a run looks at whole photos: at twice its crops' side, so that a crop still has its share of the cells. */
export function photoViewOf(crop: number, cell: number): PhotoView {
  const { rows, cols } = gridFor(2 * crop, cell);
  return { rows, cols, side: rows * cell };
}

/**
 * The maps of all photos: `[N, rows, cols]`, the caller's. They are on the CPU wherever the source looks at the photos
 * (`device`): the cells of views are drawn from them there.
 */
export function mapPhotos(
  source: SaliencySource,
  dataset: PackedDataset,
  view: PhotoView,
  device = "cpu",
): Tensor {
  return scope(() =>
    noGrad(() => {
      const parts = parted(dataset.length, view).map((ids) =>
        scope(() => source.maps(wholePhotos(dataset, ids, view, device), view).to({ device: "cpu" })),
      );
      return ops.cat(parts); // [N, rows, cols]
    }),
  );
}

/** As {@link mapPhotos}, of a source that answers later. */
export async function mapPhotosLater(
  source: LateSaliencySource,
  dataset: PackedDataset,
  view: PhotoView,
): Promise<Tensor> {
  const parts: Tensor[] = [];
  try {
    for (const ids of parted(dataset.length, view)) {
      const photos = keep(wholePhotos(dataset, ids, view, "cpu")); // [B, 3, side, side]
      try {
        parts.push(keep(await source.mapsLater(photos, view)));
      } finally {
        photos.dispose();
      }
    }
    return ops.cat(parts); // [N, rows, cols]
  } finally {
    for (const part of parts) part.dispose();
  }
}

/** The ids of `n` photos, in parts that go through a source together. */
function parted(n: number, { side }: PhotoView): Int32Array[] {
  const size = Math.max(1, Math.floor(pixelsAtOnce / side ** 2));
  return Array.from({ length: Math.ceil(n / size) }, (_, part) => {
    const from = part * size;
    return Int32Array.from({ length: Math.min(size, n - from) }, (_, i) => from + i);
  });
}

/** `[B, 3, side, side]`, normalised. */
function wholePhotos(dataset: PackedDataset, ids: Int32Array, { side }: PhotoView, device: string): Tensor {
  const whole = wholeView(ids, dataset.originalSizes, dataset.size);
  return scope(() => renderView(sent(dataset.images(ids), device), whole, { crop: side }));
}

/** The folder of maps that the configuration names. Throws {@link UsageError} `no-maps-given` where it names none. */
export function mapsFolder({ saliency }: RunConfig): string {
  if (saliency.maps !== undefined) return saliency.maps;
  throw new UsageError(
    "no-maps-given",
    "Expected a folder of maps for the saliency source maps, but none was named. Give --saliency.maps FOLDER.",
  );
}

/**
 * The maps or masks that a folder holds, averaged over the cells: `[N, rows, cols]` in [0, 1]. Throws DataError that names
 * the photo whose map is missing or of another size.
 */
export async function readPhotoMaps(folder: string, dataset: PackedDataset, size: MapSize): Promise<Tensor> {
  const paths = await findMaps(folder, dataset.names);
  const rows: Float32Array[] = [];
  const read = (id: number) => readMap(paths[id], photoOf(dataset, id));
  for await (const { pixels, height, width } of mapOrdered(dataset.names.keys(), readAtOnce, read)) {
    rows.push(
      scope(() => {
        const map = fromTypedArray(Float32Array.from(pixels), [1, 1, height, width]); // [1, 1, H, W]
        return map.div(255).adaptiveAvgPool2d([size.rows, size.cols]).toFloat32Array();
      }),
    );
  }
  return scope(
    () => noGrad(() => ops.stack(rows.map((row) => fromTypedArray(row, [size.rows, size.cols])))), // [N, rows, cols]
  );
}
