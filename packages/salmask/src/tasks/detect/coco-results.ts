/** Detections in COCO's form for results, which other tools score and show. */

import type { Category } from "../../data/samples/objects.js";
import { stringOfRle } from "../../data/samples/rle-string.js";
import type { Detection } from "../../metrics/average-precision/detection.js";

/** One line of a results file: the box is x, y, width and height in pixels. */
export interface CocoDetection {
  /** The photo's number in the annotations; its name where it comes from a folder of photos. */
  readonly image_id: number | string;
  readonly category_id: number;
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
  readonly segmentation?: { readonly size: readonly [number, number]; readonly counts: string };
}

/** A photo's detections, by the categories' own numbers. */
export function cocoDetections(
  image: number | string,
  detections: readonly Detection[],
  categories: readonly Category[],
): CocoDetection[] {
  return detections.map(({ category, box: [left, top, right, bottom], score, mask }) => ({
    image_id: image,
    category_id: categories[category].id,
    bbox: [left, top, right - left, bottom - top],
    score,
    ...(mask === null
      ? {}
      : { segmentation: { size: [mask.height, mask.width] as const, counts: stringOfRle(mask) } }),
  }));
}
