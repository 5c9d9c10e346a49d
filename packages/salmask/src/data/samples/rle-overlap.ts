/** Masks with each other: their union, and how well they agree, all on their runs. */
import { DataError } from "../../base/errors.js";
import type { Box } from "./box.js";
import type { Rle } from "./rle.js";
import { areaOf, boxOf } from "./rle-extent.js";

/**
 * Pixels inside any of the masks. Throws DataError `mask-sizes` where they differ in size, RangeError where there is none.
 */
export function unionOf(masks: readonly Rle[]): Rle {
  if (masks.length === 0) throw new RangeError("Expected at least one mask to merge, got none.");
  checkSameSize(masks);
  const { height, width } = masks[0];
  const counts = masks.map((mask) => mask.counts).reduce((a, b) => Uint32Array.from(mergedCounts(a, b)));
  return { height, width, counts };
}

/**
 * `[D * T]`: intersection over union of each detection with each truth, 0 where both are empty. A crowd is as large as it
 * happens to be drawn, so with a crowd the union is the detection alone (COCO API, `iou`): a detection inside it has 1.
 *
 * Throws DataError `mask-sizes` where the masks differ in height or width.
 *
 * @param detections `[D]`
 * @param truths `[T]`
 * @param isCrowd `[T]`
 */
export function maskIous(
  detections: readonly Rle[],
  truths: readonly Rle[],
  isCrowd: readonly boolean[],
): Float64Array {
  const ious = new Float64Array(detections.length * truths.length);
  if (ious.length === 0) return ious;
  checkSameSize([...truths, ...detections]);
  const truthBoxes = truths.map(boxOf);
  const truthAreas = truths.map(areaOf);
  for (const [d, detection] of detections.entries()) {
    const box = boxOf(detection);
    const area = areaOf(detection);
    for (const [t, truth] of truths.entries()) {
      if (!touch(box, truthBoxes[t])) continue;
      const shared = sharedArea(detection.counts, truth.counts);
      ious[d * truths.length + t] = shared / (isCrowd[t] ? area : area + truthAreas[t] - shared);
    }
  }
  return ious;
}

/** Pixels inside both of two masks of one size, given by their runs. */
function sharedArea(a: Uint32Array, b: Uint32Array): number {
  let [i, j, position, shared] = [0, 0, 0, 0];
  let [endA, endB] = [a[0], b[0]];
  while (i < a.length && j < b.length) {
    const end = endA < endB ? endA : endB;
    if ((i & j & 1) === 1) shared += end - position;
    position = end;
    if (endA === end) endA += a[++i];
    if (endB === end) endB += b[++j];
  }
  return shared;
}

/** The runs of the pixels inside either of two masks of one size, given by their runs. */
function mergedCounts(a: Uint32Array, b: Uint32Array): number[] {
  const counts = [0];
  let [i, j, position] = [0, 0, 0];
  let [endA, endB] = [a[0], b[0]];
  while (i < a.length && j < b.length) {
    const end = Math.min(endA, endB);
    if (end > position) {
      // The runs gathered so far end inside where their number is even.
      const goesOn = (i % 2 === 1 || j % 2 === 1) === (counts.length % 2 === 0);
      if (goesOn) counts[counts.length - 1] += end - position;
      else counts.push(end - position);
    }
    position = end;
    if (endA === end) endA += a[++i];
    if (endB === end) endB += b[++j];
  }
  return counts;
}

function touch(a: Box | null, b: Box | null): boolean {
  return a !== null && b !== null && a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function checkSameSize(masks: readonly Rle[]): void {
  const { height, width } = masks[0];
  const other = masks.find((mask) => mask.height !== height || mask.width !== width);
  if (other === undefined) return;
  throw new DataError(
    "mask-sizes",
    `Expected masks of one photo, all ${width} x ${height} pixels, got one of ${other.width} x ${other.height}.`,
  );
}
