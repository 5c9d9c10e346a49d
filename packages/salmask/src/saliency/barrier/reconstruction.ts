import type { PictureSize } from "./barrier-distance.js";

/**
 * Removes bright, then dark details that a square of `side` pixels does not fit into, and keeps the edges of what is left:
 * opening by reconstruction, then closing by reconstruction (Vincent 1993).
 *
 * @param map `[height * width]`
 * @returns `[height * width]`
 */
export function smoothByReconstruction(map: Float32Array, size: PictureSize, side: number): Float32Array {
  const opened = openByReconstruction(map, size, side);
  const negative = openByReconstruction(
    opened.map((value) => -value),
    size,
    side,
  );
  return negative.map((value) => -value);
}

function openByReconstruction(map: Float32Array, size: PictureSize, side: number): Float32Array {
  const radius = Math.max(0, Math.round((side - 1) / 2));
  return reconstruct(erode(map, size, radius), map, size);
}

/** The smallest value within `radius` rows and columns of each pixel. */
function erode(map: Float32Array, { height, width }: PictureSize, radius: number): Float32Array {
  const along = new Float32Array(map.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let least = Number.POSITIVE_INFINITY;
      const right = Math.min(width - 1, x + radius);
      for (let i = Math.max(0, x - radius); i <= right; i++) least = Math.min(least, map[y * width + i]);
      along[y * width + x] = least;
    }
  }
  const eroded = new Float32Array(map.length);
  for (let y = 0; y < height; y++) {
    const bottom = Math.min(height - 1, y + radius);
    for (let x = 0; x < width; x++) {
      let least = Number.POSITIVE_INFINITY;
      for (let i = Math.max(0, y - radius); i <= bottom; i++) least = Math.min(least, along[i * width + x]);
      eroded[y * width + x] = least;
    }
  }
  return eroded;
}

/**
 * The largest map below `mask` that grows from `marker` without new maxima: each pixel gets the highest level at which
 * it is connected with the marker. Two scans, then a queue of the pixels that can still raise a neighbour (Vincent 1993,
 * section IV). Changes `marker`, which is nowhere above `mask`.
 */
function reconstruct(marker: Float32Array, mask: Float32Array, { height, width }: PictureSize): Float32Array {
  const last = width * (height - 1);
  for (let p = 1; p < marker.length; p++) {
    let level = marker[p];
    if (p % width > 0) level = Math.max(level, marker[p - 1]);
    if (p >= width) level = Math.max(level, marker[p - width]);
    marker[p] = Math.min(level, mask[p]);
  }
  const queue: number[] = [];
  const canRise = (p: number, level: number) => marker[p] < level && marker[p] < mask[p];
  for (let p = marker.length - 1; p >= 0; p--) {
    const [hasRight, hasBelow] = [p % width < width - 1, p < last];
    let level = marker[p];
    if (hasRight) level = Math.max(level, marker[p + 1]);
    if (hasBelow) level = Math.max(level, marker[p + width]);
    marker[p] = Math.min(level, mask[p]);
    if ((hasRight && canRise(p + 1, marker[p])) || (hasBelow && canRise(p + width, marker[p]))) queue.push(p);
  }
  const raise = (p: number, level: number) => {
    if (!canRise(p, level)) return;
    marker[p] = Math.min(level, mask[p]);
    queue.push(p);
  };
  for (let next = 0; next < queue.length; next++) {
    const p = queue[next];
    if (p % width > 0) raise(p - 1, marker[p]);
    if (p % width < width - 1) raise(p + 1, marker[p]);
    if (p >= width) raise(p - width, marker[p]);
    if (p < last) raise(p + width, marker[p]);
  }
  return marker;
}
