import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { mapOrdered } from "../../base/concurrent.js";
import { photoOf } from "../../data/samples/samples.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { MapSize } from "../source.js";
import { findMaps, readMap } from "./map-files.js";

const readAtOnce = 8;

/**
 * The maps or masks in a folder, averaged over the cells: `[N, rows, cols]` in [0, 1]. Throws DataError with the photo
 * whose map is missing or has another size.
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
