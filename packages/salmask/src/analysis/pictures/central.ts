/** The central crops that encoders are scored on, as pictures that can be changed before an encoder sees them. */
import { noGrad, scope, type Tensor, tensor } from "@salmask/torch";
import { normalize } from "../../image/normalize.js";
import { centralFraction } from "../../tasks/probe/features.js";
import { cropMaps } from "../../views/crop-maps.js";
import { centralView, type ViewDraw } from "../../views/draw.js";
import { renderView } from "../../views/render.js";
import type { Encoder } from "../encoders.js";
import type { AnalysisPhotos, PhotoSample } from "../photos.js";

const asTheyAre = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

function drawOf({ dataset }: PhotoSample, ids: Int32Array, crop: number): ViewDraw {
  return centralView(ids, dataset.originalSizes, dataset.size, { fraction: centralFraction(crop) });
}

const idsOf = ({ ids }: PhotoSample, rows: Int32Array) => Int32Array.from(rows, (row) => ids[row]);

/** The central crops of some photos of a sample, by their positions in it: float32 `[rows, 3, crop, crop]` in [0, 1]. */
export function centralPictures(sample: PhotoSample, rows: Int32Array, crop: number): Tensor {
  const ids = idsOf(sample, rows);
  return scope(() =>
    renderView(sample.dataset.images(ids), drawOf(sample, ids, crop), { crop, ...asTheyAre }),
  );
}

/** The masks of the same crops of scored photos: float32 `[rows, crop, crop]`, 1 where at least half of a pixel is the object. */
export function centralMasks(
  { scored }: Pick<AnalysisPhotos, "scored">,
  masks: Tensor,
  rows: Int32Array,
  crop: number,
): Tensor {
  return noGrad(() =>
    scope(() => {
      const own = masks.indexSelect(0, tensor(rows)); // [rows, S, S]
      const shares = cropMaps(own, drawOf(scored, idsOf(scored, rows), crop), crop, crop); // [rows, crop, crop]
      return shares.ge(0.5).to({ dtype: "float32" });
    }),
  );
}

/** Pictures `[B, 3, crop, crop]` in [0, 1] as an encoder gets them: normalised, and filtered as its training photos were. */
export function asSeenBy({ fill }: Pick<Encoder, "fill">, pictures: Tensor): Tensor {
  return noGrad(() => scope(() => fill.prepare(normalize(pictures.clone())))); // [B, 3, crop, crop]
}
