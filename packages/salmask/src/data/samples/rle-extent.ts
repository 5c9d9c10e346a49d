/** How much of a photo a mask covers, read from its runs. */
import type { Box } from "./box.js";
import type { Rle } from "./rle.js";

/** Number of pixels inside. */
export function areaOf({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i];
  return area;
}

/** The smallest box that holds all pixels inside; null where there is none. */
export function boxOf({ height, counts }: Rle): Box | null {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, height, 0, 0];
  let position = 0;
  for (const [i, run] of counts.entries()) {
    const last = position + run - 1;
    if (i % 2 === 1 && run > 0) {
      const [first, end] = [Math.floor(position / height), Math.floor(last / height)];
      left = Math.min(left, first);
      right = Math.max(right, end + 1);
      // A run that goes on into the next column passes the last row and the first.
      top = Math.min(top, first === end ? position % height : 0);
      bottom = Math.max(bottom, first === end ? (last % height) + 1 : height);
    }
    position += run;
  }
  return right === 0 ? null : [left, top, right, bottom];
}
