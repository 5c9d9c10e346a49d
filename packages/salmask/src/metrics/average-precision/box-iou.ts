import type { Box } from "../../data/samples/box.js";

/** In square pixels. */
export function boxArea([left, top, right, bottom]: Box): number {
  return (right - left) * (bottom - top);
}

/**
 * `[D * T]`: intersection over union of each detection with each truth. With a crowd the union is the detection alone (COCO
 * API, `bbIou`).
 *
 * PASCAL VOC adds 1 to widths and heights, because its corners are the first and the last pixel of a box. A {@link Box} ends
 * where its last pixel ends, so it has the same width without the 1, and this is VOC's measure too.
 *
 * @param detections `[D]`
 * @param truths `[T]`
 * @param isCrowd `[T]`
 */
export function boxIous(
  detections: readonly Box[],
  truths: readonly Box[],
  isCrowd: readonly boolean[],
): Float64Array {
  const ious = new Float64Array(detections.length * truths.length);
  const truthAreas = truths.map(boxArea);
  for (const [d, detection] of detections.entries()) {
    const area = boxArea(detection);
    for (const [t, truth] of truths.entries()) {
      const width = Math.min(detection[2], truth[2]) - Math.max(detection[0], truth[0]);
      const height = Math.min(detection[3], truth[3]) - Math.max(detection[1], truth[1]);
      if (width <= 0 || height <= 0) continue;
      const shared = width * height;
      ious[d * truths.length + t] = shared / (isCrowd[t] ? area : area + truthAreas[t] - shared);
    }
  }
  return ious;
}
