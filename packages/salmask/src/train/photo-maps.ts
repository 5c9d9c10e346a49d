import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import type { RunConfig } from "../config/schema.js";
import { type PackedDataset, photoOf } from "../data/cache.js";
import { mapOrdered } from "../data/concurrent.js";
import { UsageError } from "../errors.js";
import { findMaps, readMap } from "../saliency/map-files.js";
import type { MapSize } from "../saliency/source.js";

const readAtOnce = 8;

/**
 * The maps that the configuration's folder holds, averaged over the cells: `[N, rows, cols]` in [0, 1]. Throws
 * {@link UsageError} `no-maps-given` where no folder is named, and DataError that names the photo whose map is missing or
 * of another size.
 */
export async function readPhotoMaps(
  config: RunConfig,
  dataset: PackedDataset,
  size: MapSize,
): Promise<Tensor> {
  const folder = config.saliency.maps;
  if (folder === undefined) {
    throw new UsageError(
      "no-maps-given",
      "Expected a folder of maps for the saliency source maps, but none was named. Give --saliency.maps FOLDER.",
    );
  }
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
