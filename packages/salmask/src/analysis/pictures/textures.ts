/**
 * Pictures whose shape and texture say different things (after the cue conflicts of Geirhos et al. 2019, "ImageNet-trained CNNs are
 * biased towards texture"): the outline of one object, filled with a patch from inside another. No network takes part in the making,
 * where the paper transfers styles by one.
 */
import type { ObjectPicture } from "./backgrounds.js";

/** A square of pixels. */
export interface Square {
  readonly top: number;
  readonly left: number;
  readonly side: number;
}

/** The largest square that lies wholly on an object, the first one in reading order; null where there is no object. */
export function largestSquare({ side, mask }: Pick<ObjectPicture, "side" | "mask">): Square | null {
  // For each pixel: the side of the largest square that has it as lower right corner.
  const reach = new Int32Array(side * side);
  let best: Square | null = null;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = y * side + x;
      if (mask[at] === 0) continue;
      const around = x === 0 || y === 0 ? 0 : Math.min(reach[at - 1], reach[at - side], reach[at - side - 1]);
      reach[at] = around + 1;
      if (best === null || reach[at] > best.side)
        best = { top: y - around, left: x - around, side: reach[at] };
    }
  }
  return best;
}

/** Positions 0, 1, 2, ... in a line of `length` that is mirrored at its ends, so that its copies meet without an edge. */
export function mirrored(position: number, length: number): number {
  const at = ((position % (2 * length)) + 2 * length) % (2 * length);
  return at < length ? at : 2 * length - 1 - at;
}

/** A square of a picture that covers a whole picture of `side` pixels, in mirrored copies: `[3, side, side]`. */
export function tiled({ pixels, side: from }: ObjectPicture, square: Square, side: number): Float32Array {
  const out = new Float32Array(3 * side * side);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < side; y++) {
      const row = square.top + mirrored(y, square.side);
      for (let x = 0; x < side; x++) {
        const column = square.left + mirrored(x, square.side);
        out[(c * side + y) * side + x] = pixels[(c * from + row) * from + column];
      }
    }
  }
  return out;
}

/** The outline of an object on one colour, filled with what `inside` `[3, S, S]` has there: `[3, S, S]`. */
export function outlined(
  { mask }: Pick<ObjectPicture, "mask">,
  inside: Float32Array,
  outside: readonly [number, number, number],
): Float32Array {
  const area = mask.length;
  return inside.map((value, at) => (mask[at % area] > 0 ? value : outside[Math.floor(at / area)]));
}
