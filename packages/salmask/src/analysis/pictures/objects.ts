/** The scored photos with their objects, one picture each on the host. */
import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { type Material, type Tick, withMasks } from "../material.js";
import type { ObjectPicture } from "./backgrounds.js";
import { centralMasks, centralPictures } from "./central.js";

/** The central crops of all scored photos, with their masks. */
export async function objectPictures(material: Material, crop: number, tick: Tick): Promise<ObjectPicture[]> {
  const { photos, masks } = withMasks(material);
  const parts = await material.inBatches(photos.scored.ids.length, tick, (rows) =>
    scope(() => {
      const pixels = centralPictures(photos.scored, rows, crop).toFloat32Array(); // [rows, 3, crop, crop]
      const inside = centralMasks(photos, masks, rows, crop).toFloat32Array(); // [rows, crop, crop]
      return Array.from(rows, (_, i): ObjectPicture => {
        const area = crop * crop;
        return {
          side: crop,
          pixels: pixels.slice(3 * i * area, 3 * (i + 1) * area),
          mask: inside.slice(i * area, (i + 1) * area),
        };
      });
    }),
  );
  return parts.flat();
}

/** Pictures of one size as a batch, float32 `[B, 3, side, side]`. */
export function batchOf(pictures: readonly Float32Array[], side: number): Tensor {
  const area = 3 * side * side;
  const pixels = new Float32Array(pictures.length * area);
  for (const [i, picture] of pictures.entries()) pixels.set(picture, i * area);
  return fromTypedArray(pixels, [pictures.length, 3, side, side]);
}
