/** The size of a picture whose channels are stored one after the other, `[C * height * width]`. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** Number of raster scans, alternately forward and backward; the number in the paper. */
const scans = 3;

/**
 * The distance of each pixel from the picture's border, `[height * width]`. The cost of a path is the difference
 * between the largest and the smallest value on it, summed over the channels (Zhang et al. 2015, section 3.1, FastMBD).
 * Three raster scans approximate it; the exact distance is never larger.
 *
 * @param picture `[C * height * width]`
 */
export function minimumBarrierDistance(picture: Float32Array, size: PictureSize): Float32Array {
  const pixels = size.height * size.width;
  const total = new Float32Array(pixels);
  for (let from = 0; from < picture.length; from += pixels) {
    const distance = distanceInChannel(picture.subarray(from, from + pixels), size);
    for (let p = 0; p < pixels; p++) total[p] += distance[p];
  }
  return total;
}

/** The distance for one channel: `values` `[height * width]` to the same shape. */
function distanceInChannel(values: Float32Array, { height, width }: PictureSize): Float32Array {
  const distance = new Float32Array(values.length).fill(Number.POSITIVE_INFINITY);
  // The largest and the smallest value on the best path so far.
  const highest = Float32Array.from(values);
  const lowest = Float32Array.from(values);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (y === 0 || x === 0 || y === height - 1 || x === width - 1) distance[y * width + x] = 0;
    }
  }
  const reach = (pixel: number, neighbour: number) => {
    const high = Math.max(highest[neighbour], values[pixel]);
    const low = Math.min(lowest[neighbour], values[pixel]);
    if (high - low >= distance[pixel]) return;
    distance[pixel] = high - low;
    highest[pixel] = high;
    lowest[pixel] = low;
  };
  for (let scan = 0; scan < scans; scan++) {
    const back = scan % 2 === 1;
    // The border is 0 from the start, so only pixels with four neighbours are visited.
    for (let j = 1; j < height - 1; j++) {
      const y = back ? height - 1 - j : j;
      for (let i = 1; i < width - 1; i++) {
        const pixel = y * width + (back ? width - 1 - i : i);
        reach(pixel, back ? pixel + width : pixel - width);
        reach(pixel, back ? pixel + 1 : pixel - 1);
      }
    }
  }
  return distance;
}
