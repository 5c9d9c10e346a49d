/** Which pixels, with which weights, make each output of a separable resampling. */
import { fromTypedArray, type Tensor } from "@salmask/torch";

/** Intervals on an axis, one per image, in input pixels: pixel j covers [j, j + 1]. */
export interface Intervals {
  readonly start: Float64Array;
  readonly length: Float64Array;
  /** Optional; 1 reverses the order of the outputs of that image. */
  readonly flip?: Uint8Array;
}

/** The intervals of both axes. */
export interface BothAxes {
  readonly vertical: Intervals;
  readonly horizontal: Intervals;
}

/**
 * `bilinear`: the antialiased triangle filter of PIL, and of torchvision with `antialias=True`. Pixels outside the
 * interval have no weight, as if the crop were cut out first. `area`: each output is the mean of the area that it
 * covers; partly covered pixels count partly.
 */
export type Filter = "bilinear" | "area";

// Compensates rounding for interval ends that were whole numbers before the mapping to the square.
const ROUNDING = 1e-6;

/** What each output of an axis is made of. */
export interface Taps {
  /** int32 `[B, outputs]`: the first of an output's pixels. */
  readonly starts: Tensor;
  /** float32 `[B, outputs, taps]`: the weights of its pixels; they sum to 1. */
  readonly weights: Tensor;
}

/** How `inputs` pixels become `outputs`. */
export function tapsOf(
  intervals: Intervals,
  inputs: number,
  outputs: number,
  filter: Filter,
  device: string,
): Taps {
  const count = intervals.start.length;
  const taps = Math.min(inputs, mostTaps(intervals.length, outputs, filter));
  const firsts = new Int32Array(count * outputs);
  const weights = new Float32Array(count * outputs * taps);
  const row = new Float64Array(taps);
  for (let image = 0; image < count; image++) {
    const [start, length] = [intervals.start[image], intervals.length[image]];
    const step = length / outputs;
    const low = Math.max(0, Math.floor(start + ROUNDING));
    const high = Math.min(inputs, Math.ceil(start + length - ROUNDING));
    for (let output = 0; output < outputs; output++) {
      const begin = start + output * step;
      const centre = begin + step / 2;
      const support = filter === "bilinear" ? Math.max(step, 1) : step / 2;
      const from = Math.max(low, Math.floor(filter === "bilinear" ? centre - support + 0.5 : begin));
      // At the end of the axis the window moves back, because its taps must be distinct pixels.
      const first = Math.max(0, Math.min(from, inputs - taps));
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) {
        const pixel = first + tap;
        const weight =
          filter === "bilinear"
            ? 1 - Math.abs(pixel + 0.5 - centre) / support
            : Math.min(pixel + 1, begin + step) - Math.max(pixel, begin);
        row[tap] = pixel < low || pixel >= high ? 0 : Math.max(0, weight);
        sum += row[tap];
      }
      const place = image * outputs + (intervals.flip?.[image] === 1 ? outputs - 1 - output : output);
      firsts[place] = first;
      for (let tap = 0; tap < taps; tap++) weights[place * taps + tap] = row[tap] / sum;
    }
  }
  return {
    starts: fromTypedArray(firsts, [count, outputs], { device }),
    weights: fromTypedArray(weights, [count, outputs, taps], { device }),
  };
}

/** The largest number of pixels that contribute to one output. */
function mostTaps(lengths: Float64Array, outputs: number, filter: Filter): number {
  let step = 0;
  for (const length of lengths) step = Math.max(step, length / outputs);
  return filter === "bilinear" ? Math.ceil(2 * Math.max(step, 1)) + 1 : Math.ceil(step) + 2;
}

/** The vertical and horizontal intervals of boxes [B, 4] (top, left, height, width), each multiplied by its scale. */
export function boxIntervals(
  boxes: Float64Array,
  flip: Uint8Array,
  scale: { vertical: number; horizontal: number } = { vertical: 1, horizontal: 1 },
): BothAxes {
  const column = (offset: number, factor: number): Float64Array =>
    Float64Array.from({ length: flip.length }, (_, image) => boxes[image * 4 + offset] * factor);
  return {
    vertical: { start: column(0, scale.vertical), length: column(2, scale.vertical) },
    horizontal: { start: column(1, scale.horizontal), length: column(3, scale.horizontal), flip },
  };
}
