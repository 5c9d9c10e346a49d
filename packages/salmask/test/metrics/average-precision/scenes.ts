/** Photos with objects and detections for tests. */
import fc from "fast-check";
import type { Box } from "../../../src/data/samples/box.js";
import { encodeMask, type Rle } from "../../../src/data/samples/rle.js";
import type { Detection, ScoredPhoto, Truth } from "../../../src/metrics/average-precision/detection.js";

const boxArea = ([left, top, right, bottom]: Box) => (right - left) * (bottom - top);

let objects = 0;

export function truth(box: Box, more: Partial<Truth> = {}): Truth {
  objects++;
  const area = more.area ?? boxArea(box);
  return { id: objects, category: 0, box, mask: null, isCrowd: false, isDifficult: false, ...more, area };
}

export function detection(box: Box, score: number, more: Partial<Detection> = {}): Detection {
  return { category: 0, box, score, mask: null, ...more };
}

/** A box without the pixels of which `(x + y) % gap` is 0; `gap` 0 leaves none out. */
export function maskIn([left, top, right, bottom]: Box, side: number, gap = 0): Rle {
  const pixels = new Uint8Array(side * side);
  for (let y = Math.max(0, top); y < Math.min(side, bottom); y++)
    for (let x = Math.max(0, left); x < Math.min(side, right); x++)
      if (gap === 0 || (x + y) % gap !== 0) pixels[y * side + x] = 1;
  return encodeMask(pixels, side, side);
}

/**
 * Photos of two categories with corners on a coarse grid, so that many overlaps and scores are equal, boxes lie in each
 * other, and some are found twice. `side` is the photos' height and width, `step` the grid's.
 */
export function scenes(side: number, step: number, hasCrowds: boolean): fc.Arbitrary<ScoredPhoto[]> {
  const place = fc.integer({ min: 0, max: side / step - 1 });
  const extent = fc.integer({ min: 1, max: Math.ceil(side / step / 2) });
  const box = fc.tuple(place, place, extent, extent).map(([x, y, w, h]): Box => {
    const corners = [x, y, Math.min(x + w, side / step), Math.min(y + h, side / step)];
    const [left, top, right, bottom] = corners.map((corner) => corner * step);
    return [left, top, right, bottom];
  });
  const gap = fc.constantFrom(0, 0, 2, 3, 7);
  const category = fc.constantFrom(0, 0, 1);
  const seldom = fc.constantFrom(true, ...new Array<boolean>(5).fill(false));
  const object = fc
    .record({ box, category, gap, isCrowd: hasCrowds ? seldom : fc.constant(false), isDifficult: seldom })
    .map((one) => truth(one.box, { ...one, mask: maskIn(one.box, side, one.gap) }));
  const score = fc.integer({ min: 0, max: 12 });
  const shift = fc.constantFrom(0, 0, 1, -1);
  const shifts = fc.tuple(shift, shift, shift, shift);
  const near = (truths: readonly Truth[]) =>
    fc.tuple(fc.constantFrom(...truths), shifts).map(([{ box: of }, by]): Box => {
      const [left, top] = [Math.max(0, of[0] + by[0]), Math.max(0, of[1] + by[1])];
      return [left, top, Math.max(left, of[2] + by[2]), Math.max(top, of[3] + by[3])];
    });
  const found = (truths: readonly Truth[]) => {
    const where =
      truths.length === 0
        ? box
        : fc.oneof({ weight: 3, arbitrary: near(truths) }, { weight: 1, arbitrary: box });
    return fc
      .record({ where, category, gap, score })
      .map((one) =>
        detection(one.where, one.score, { category: one.category, mask: maskIn(one.where, side, one.gap) }),
      );
  };
  const photo = fc
    .array(object, { maxLength: 5 })
    .chain((truths) =>
      fc.array(found(truths), { maxLength: 14 }).map((detections): ScoredPhoto => ({ truths, detections })),
    );
  return fc.array(photo, { minLength: 1, maxLength: 4 });
}
