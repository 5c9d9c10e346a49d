import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import type { RunConfig } from "../config/schema.js";
import { type PackedDataset, photoOf } from "../data/cache.js";
import { mapOrdered } from "../data/concurrent.js";
import { UsageError } from "../errors.js";
import { findMaps, readMap } from "../saliency/map-files.js";
import type { MapSize } from "../saliency/source.js";

const readAtOnce = 8;

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
