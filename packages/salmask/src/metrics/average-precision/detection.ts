/** What is scored: what was found in a photo, beside what is in it. */
import { DataError } from "../../base/errors.js";
import type { Box } from "../../data/samples/box.js";
import type { PhotoObject } from "../../data/samples/objects.js";
import type { Rle } from "../../data/samples/rle.js";

/** An object that a detector found. */
export interface Detection {
  /** Position in the set's categories. */
  readonly category: number;
  readonly box: Box;
  /** Higher is surer. Only the order counts. */
  readonly score: number;
  /** Of the whole photo; null where the detector finds boxes alone. */
  readonly mask: Rle | null;
}

/** An object of a photo, with its mask as pixels. */
export interface Truth extends Omit<PhotoObject, "segmentation"> {
  /** Of the whole photo; null where there is a box alone. */
  readonly mask: Rle | null;
}

/** The objects of a photo, and what a detector found in it. */
export interface ScoredPhoto {
  readonly truths: readonly Truth[];
  readonly detections: readonly Detection[];
}

/** What a measure of detectors compares. */
export interface DetectionMetricOptions {
  /** Number of categories in the set. */
  readonly categories: number;
  /** What a detection and a truth are compared by. */
  readonly by: "boxes" | "masks";
}

/**
 * Throws DataError where a photo cannot be scored: `detection-category`, `detection-score` and `detection-box` where a
 * detection has no category of the set, no finite score or no box of at least 0 pixels, `truth-category` where a truth has
 * no category of the set, `no-mask` where masks are compared and one is missing.
 */
export function checkScored({ truths, detections }: ScoredPhoto, options: DetectionMetricOptions): void {
  for (const { id, category, mask } of truths) {
    checkCategory("truth-category", `object ${id}`, category, options);
    checkMask(`object ${id}`, mask, options);
  }
  for (const [i, { category, box, score, mask }] of detections.entries()) {
    const name = `detection ${i} of the photo`;
    checkCategory("detection-category", name, category, options);
    checkMask(name, mask, options);
    if (!Number.isFinite(score)) {
      throw new DataError("detection-score", `Expected a finite score of ${name}, got ${score}.`);
    }
    const [left, top, right, bottom] = box;
    if (!(box.every(Number.isFinite) && left <= right && top <= bottom)) {
      throw new DataError(
        "detection-box",
        `Expected left, top, right and bottom of ${name} as finite numbers in this order of size, got ${box.join(", ")}.`,
      );
    }
  }
}

function checkCategory(
  code: string,
  name: string,
  category: number,
  { categories }: DetectionMetricOptions,
): void {
  if (Number.isInteger(category) && category >= 0 && category < categories) return;
  throw new DataError(
    code,
    `Expected one of the categories 0 to ${categories - 1} of ${name}, got ${category}.`,
  );
}

function checkMask(name: string, mask: Rle | null, { by }: DetectionMetricOptions): void {
  if (by === "boxes" || mask !== null) return;
  throw new DataError(
    "no-mask",
    `Expected a mask of ${name}, got a box alone. Compare boxes where a set or a detector has no masks.`,
  );
}
