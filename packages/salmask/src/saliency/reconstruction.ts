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
 * it is connected with the marker. Scans until nothing changes. Changes `marker`, which is nowhere above `mask`.
 */
function reconstruct(marker: Float32Array, mask: Float32Array, { height, width }: PictureSize): Float32Array {
  let changed = true;
  const raise = (p: number, from: number) => {
    const value = Math.min(mask[p], marker[from]);
    if (value <= marker[p]) return;
    marker[p] = value;
    changed = true;
  };
  while (changed) {
    changed = false;
    for (let p = 1; p < marker.length; p++) {
      if (p % width > 0) raise(p, p - 1);
      if (p >= width) raise(p, p - width);
    }
    for (let p = marker.length - 2; p >= 0; p--) {
      if (p % width < width - 1) raise(p, p + 1);
      if (p < width * (height - 1)) raise(p, p + width);
    }
  }
  return marker;
}
