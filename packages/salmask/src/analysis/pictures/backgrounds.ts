/**
 * Pictures of the object alone and of the background alone (Xiao et al. 2020, "Noise or Signal: The Role of Image Backgrounds in
 * Object Recognition", section 2). Typed arrays on the host: one picture at a time.
 */
import { type Box, tightBoxOf } from "../../data/embedded/compose.js";

/** A square picture with its object. */
export interface ObjectPicture {
  /** Side in pixels, S. */
  readonly side: number;
  /** `[3, S, S]` in [0, 1]. */
  readonly pixels: Float32Array;
  /** `[S, S]`, 1 on the object, 0 elsewhere. */
  readonly mask: Float32Array;
}

/** The object on black (the paper's Only-FG), `[3, S, S]`. */
export function objectAlone({ pixels, mask }: ObjectPicture): Float32Array {
  return pixels.map((value, at) => value * mask[at % mask.length]);
}

/** The tight box of the object; null where there is none. */
export function boxOf({ side, mask }: Pick<ObjectPicture, "side" | "mask">): Box | null {
  const { box, area } = tightBoxOf(side, (pixel) => mask[pixel] > 0);
  return area === 0 ? null : box;
}

/**
 * The background alone (the paper's Only-BG-T), `[3, S, S]`: the object's box is tiled with the largest of the four strips above,
 * below, left and right of it. Null where there is no object, or its box leaves no strip.
 */
export function backgroundAlone(picture: ObjectPicture): Float32Array | null {
  const box = boxOf(picture);
  if (box === null) return null;
  const { side, pixels } = picture;
  const { x, y, width, height } = box;
  const strips = [
    { from: 0, length: y, isRow: true },
    { from: y + height, length: side - y - height, isRow: true },
    { from: 0, length: x, isRow: false },
    { from: x + width, length: side - x - width, isRow: false },
  ];
  const strip = strips.reduce((largest, other) => (other.length > largest.length ? other : largest));
  if (strip.length === 0) return null;
  const out = pixels.slice();
  for (let c = 0; c < 3; c++) {
    for (let row = y; row < y + height; row++) {
      for (let column = x; column < x + width; column++) {
        const sourceRow = strip.isRow ? strip.from + ((row - y) % strip.length) : row;
        const sourceColumn = strip.isRow ? column : strip.from + ((column - x) % strip.length);
        out[(c * side + row) * side + column] = pixels[(c * side + sourceRow) * side + sourceColumn];
      }
    }
  }
  return out;
}

/** An object on another background, `[3, S, S]`. */
export function onBackground({ pixels, mask }: ObjectPicture, background: Float32Array): Float32Array {
  return pixels.map((value, at) => (mask[at % mask.length] > 0 ? value : background[at]));
}
