/** A small compositor on typed arrays: rotates, scales and mirrors a drawing, and draws it on a canvas. */
import type { Drawing } from "./drawings.js";

/** How a drawing is sampled. Lengths are in pixels of the canvas. */
export interface Pose {
  /** Side of the drawing's square. */
  readonly side: number;
  /** Radians, clockwise in the picture. */
  readonly angle: number;
  readonly mirror: boolean;
  /** Factors of red, green and blue. */
  readonly gain: readonly [number, number, number];
  /** Shift of the centre from a pixel's corner, in [0, 1). */
  readonly phase: readonly [number, number];
  /** Left, top, right and bottom of the part to keep, in [0, 1] of the drawing before rotation. */
  readonly part: readonly [number, number, number, number];
}

/** Whole pixels: columns x to x + width - 1, rows y to y + height - 1. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A posed drawing, `[side, side, 4]`, colours in [0, 255] times alpha, then alpha in [0, 1]. */
export interface Layer {
  readonly side: number;
  readonly pixels: Float32Array;
  /** Pixels with alpha above 0.5. */
  readonly area: number;
  /** Bounding box of those pixels, in pixels of the layer; empty if there are none. */
  readonly box: Box;
}

const isObject = (alpha: number): boolean => alpha > 0.5;

/** The tight box of the pixels for which `inside` holds, over `side` x `side` pixels, and their number. */
export function tightBoxOf(side: number, inside: (pixel: number) => boolean): { box: Box; area: number } {
  let [left, top, right, bottom, area] = [side, side, -1, -1, 0];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (!inside(y * side + x)) continue;
      area++;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (area === 0) return { box: { x: 0, y: 0, width: 0, height: 0 }, area };
  return { box: { x: left, y: top, width: right - left + 1, height: bottom - top + 1 }, area };
}

/** Samples a drawing bilinearly, from the smallest level that is at least as large as the pose. */
export function poseDrawing(drawing: Drawing, pose: Pose): Layer {
  const source = drawing.levels.findLast((level) => level.side >= pose.side) ?? drawing.levels[0];
  const cos = Math.cos(pose.angle);
  const sin = Math.sin(pose.angle);
  const reach = Math.ceil((pose.side / 2) * (Math.abs(cos) + Math.abs(sin))) + 1;
  const side = 2 * reach + 1;
  const pixels = new Float32Array(side * side * 4); // [side, side, 4]
  const [partLeft, partTop, partRight, partBottom] = pose.part;
  const last = source.side - 1;
  const flip = pose.mirror ? -1 : 1;
  for (let y = 0; y < side; y++) {
    const dy = y + 0.5 - reach - pose.phase[1];
    for (let x = 0; x < side; x++) {
      const dx = x + 0.5 - reach - pose.phase[0];
      const u = (flip * (dx * cos + dy * sin)) / pose.side + 0.5;
      const v = (dy * cos - dx * sin) / pose.side + 0.5;
      if (u < partLeft || u > partRight || v < partTop || v > partBottom) continue;
      const sx = u * source.side - 0.5;
      const sy = v * source.side - 0.5;
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const out = (y * side + x) * 4;
      for (let cy = Math.max(0, y0); cy <= Math.min(last, y0 + 1); cy++) {
        for (let cx = Math.max(0, x0); cx <= Math.min(last, x0 + 1); cx++) {
          const weight = (1 - Math.abs(sx - cx)) * (1 - Math.abs(sy - cy));
          const at = (cy * source.side + cx) * 4;
          for (let c = 0; c < 4; c++) pixels[out + c] += weight * source.pixels[at + c];
        }
      }
      const ceiling = 255 * pixels[out + 3];
      for (let c = 0; c < 3; c++) pixels[out + c] = Math.min(ceiling, pixels[out + c] * pose.gain[c]);
    }
  }
  return { side, pixels, ...tightBoxOf(side, (pixel) => isObject(pixels[pixel * 4 + 3])) };
}

/** Calls `visit` with the index of each canvas pixel that a layer covers, and the index in the layer. */
function overlap(
  size: number,
  layer: Layer,
  left: number,
  top: number,
  visit: (at: number, from: number) => void,
) {
  const [x0, x1] = [Math.max(0, -left), Math.min(layer.side, size - left)];
  const [y0, y1] = [Math.max(0, -top), Math.min(layer.side, size - top)];
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) visit((y + top) * size + x + left, (y * layer.side + x) * 4);
  }
}

/** Draws a layer on a canvas `[size, size, 3]` of [0, 255], in place, with its upper left corner at (left, top). */
export function blend(canvas: Float32Array, size: number, layer: Layer, left: number, top: number): void {
  overlap(size, layer, left, top, (at, from) => {
    const rest = 1 - layer.pixels[from + 3];
    for (let c = 0; c < 3; c++) canvas[at * 3 + c] = canvas[at * 3 + c] * rest + layer.pixels[from + c];
  });
}

/** The mask `[size, size]` of a layer at (left, top): 255 where alpha is above 0.5, otherwise 0. */
export function maskOf(size: number, layer: Layer, left: number, top: number): Uint8Array {
  const mask = new Uint8Array(size * size);
  overlap(size, layer, left, top, (at, from) => {
    mask[at] = isObject(layer.pixels[from + 3]) ? 255 : 0;
  });
  return mask;
}
