/**
 * Polygons as masks, pixel for pixel as COCO's own program makes them (COCO API, `rleFrPoly`).
 *
 * That program works on a grid that is five times finer. Corners go to the nearest point of the fine grid, and each side
 * becomes a chain of fine points, one for each step along its longer direction. Where a chain steps over the middle of a
 * column of pixels, the mask changes from outside to inside or back, from the first pixel on whose middle is not above that
 * place. Two changes at one pixel cancel out. So a rectangle with whole corners is exact, and polygons that share a side
 * share no pixel.
 */
import { DataError } from "../../base/errors.js";
import { shown } from "../../base/faults.js";
import { checkSize, type Rle } from "./rle.js";
import { unionOf } from "./rle-overlap.js";

const fineness = 5;
/** The middle of a pixel, in fine steps from its upper left corner, rounded down. */
const middle = 2;
/** In pixels from the photo's corner: far outside of any photo, and near enough to walk along each side. */
const farthest = 1_000_000;
/** Changes from outside to inside and back that an object may have; a drawn outline has a few per column. */
const mostChanges = 2 ** 22;

/**
 * The pixels inside any of an object's polygons, each `[x0, y0, x1, y1, ...]` in pixels from the photo's upper left corner.
 * A polygon may leave the photo, and may cross itself: what it goes round twice is outside.
 *
 * Throws DataError: `no-polygons`, `polygon-numbers` for an odd number of coordinates, `polygon-points` for fewer than 3
 * points, `polygon-coordinate` for one that is not a number within a million pixels, `polygon-changes` where the outline crosses
 * columns of the photo more than four million times, `rle-size` as `rleOfCounts`.
 */
export function maskOfPolygons(polygons: readonly (readonly number[])[], height: number, width: number): Rle {
  checkSize(height, width);
  if (polygons.length === 0) {
    throw new DataError("no-polygons", "Expected at least one polygon of an object, got none.");
  }
  for (const polygon of polygons) checkPolygon(polygon);
  return unionOf(polygons.map((polygon) => maskOfChanges(changesOf(polygon, height, width), height, width)));
}

function checkPolygon(polygon: readonly number[]): void {
  if (polygon.length % 2 === 1) {
    throw new DataError(
      "polygon-numbers",
      `Expected two numbers for each point of a polygon, got ${polygon.length} numbers.`,
    );
  }
  if (polygon.length < 6) {
    throw new DataError(
      "polygon-points",
      `Expected at least 3 points of a polygon, got ${polygon.length / 2}.`,
    );
  }
  const bad = polygon.findIndex((value) => !(Math.abs(value) <= farthest));
  if (bad >= 0) {
    throw new DataError(
      "polygon-coordinate",
      `Expected coordinates of a polygon from -${farthest} to ${farthest} pixels, got ${shown(polygon[bad])} as number ${bad}.`,
    );
  }
}

/**
 * Where the mask changes, as positions in column order, in any order. A position below the last row is the next column's
 * first.
 */
function changesOf(polygon: readonly number[], height: number, width: number): number[] {
  const fine = polygon.map((value) => Math.trunc(fineness * value + 0.5));
  const changes: number[] = [];
  for (let i = 0; i < fine.length; i += 2) {
    const next = (i + 2) % fine.length;
    const side = sideOf(fine[i], fine[i + 1], fine[next], fine[next + 1]);
    const [from, to] = [side.at(0)[0], side.at(side.steps)[0]];
    // Only the photo's columns are looked at: a side may be a million pixels long.
    const first = Math.max(0, Math.ceil((Math.min(from, to) - middle) / fineness));
    const last = Math.min(width - 1, Math.floor((Math.max(from, to) - 1 - middle) / fineness));
    for (let column = first; column <= last; column++) {
      const step = stepOver(side, column * fineness + middle, from < to);
      const [y, lastY] = [side.at(step)[1], side.at(step - 1)[1]];
      const row = Math.ceil((Math.min(y, lastY) - middle) / fineness);
      changes.push(column * height + Math.min(Math.max(row, 0), height));
    }
    if (changes.length > mostChanges) {
      throw new DataError(
        "polygon-changes",
        `Expected a polygon that crosses the photo's columns at most ${mostChanges} times, got one that does more often.`,
      );
    }
  }
  return changes;
}

/** The step by which a side passes from the fine column `x` to the one after it, or back. It passes it once. */
function stepOver(side: Side, x: number, isRight: boolean): number {
  let [before, after] = [0, side.steps];
  while (after - before > 1) {
    const between = Math.floor((before + after) / 2);
    if (side.at(between)[0] > x === isRight) after = between;
    else before = between;
  }
  return after;
}

interface Side {
  readonly steps: number;
  /** The fine point after so many steps from the side's start. */
  at(step: number): readonly [x: number, y: number];
}

/**
 * A side's chain of fine points. Its longer direction goes up by whole steps; the other is rounded, half up, from the end
 * where the longer one is smallest, so that a side is the same in both directions.
 */
function sideOf(x0: number, y0: number, x1: number, y1: number): Side {
  const isFlat = Math.abs(x1 - x0) >= Math.abs(y1 - y0);
  const [from, to] = isFlat ? [x0, x1] : [y0, y1];
  const [otherFrom, otherTo] = isFlat ? [y0, y1] : [x0, x1];
  const steps = Math.abs(to - from);
  const isReversed = from > to;
  const [start, otherStart, otherEnd] = isReversed ? [to, otherTo, otherFrom] : [from, otherFrom, otherTo];
  const slope = steps === 0 ? 0 : (otherEnd - otherStart) / steps;
  return {
    steps,
    at: (step) => {
      const along = isReversed ? steps - step : step;
      const other = Math.trunc(otherStart + slope * along + 0.5);
      return isFlat ? [start + along, other] : [other, start + along];
    },
  };
}

/** The mask that starts outside and changes at each position that is named an odd number of times. */
function maskOfChanges(changes: readonly number[], height: number, width: number): Rle {
  const size = height * width;
  const counts: number[] = [];
  const sorted = Float64Array.from(changes).sort();
  let position = 0;
  for (let i = 0; i < sorted.length && sorted[i] < size; i++) {
    if (sorted[i] === sorted[i + 1]) {
      i++;
      continue;
    }
    counts.push(sorted[i] - position);
    position = sorted[i];
  }
  counts.push(size - position);
  return { height, width, counts: Uint32Array.from(counts) };
}
