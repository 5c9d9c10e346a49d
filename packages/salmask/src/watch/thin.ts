/** Draws fewer points than there are without losing a peak. */
import { stages } from "../base/stage-clock.js";
import type { Parts, Range, Series } from "../page/protocol.js";
import type { LogColumns } from "./log-columns.js";

/** Six digits: more than a chart can show, and half the bytes. */
const short = (value: number) => Number(value.toPrecision(6));

/** The rows of a range of steps, and one more on each side, so that lines go on to the edge. */
function rowsIn(steps: Float64Array, range: Range): { first: number; end: number } {
  if (range === null) return { first: 0, end: steps.length };
  return {
    first: Math.max(0, rowFrom(steps, range.from) - 1),
    end: Math.min(steps.length, rowFrom(steps, range.to + 1) + 1),
  };
}

/** The first row whose step is at least `step`. */
function rowFrom(steps: Float64Array, step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The rows of a range that have a number. */
function knownRows(values: Float64Array, steps: Float64Array, range: Range): Int32Array {
  const { first, end } = rowsIn(steps, range);
  const known = new Int32Array(Math.max(0, end - first));
  let count = 0;
  for (let row = first; row < end; row++) if (!Number.isNaN(values[row])) known[count++] = row;
  return known.subarray(0, count);
}

/**
 * A number of the log over a range. Of more than `2 * buckets` lines that have it, each of `buckets` groups of neighbours gives its
 * smallest and its largest value; the first and the last line stay.
 */
export function thinned(columns: LogColumns, name: string, range: Range, buckets: number): Series {
  const { steps } = columns;
  const values = columns.values(name);
  const known = knownRows(values, steps, range);
  const rows = known.length <= 2 * buckets ? [...known] : peaksOf(values, known, buckets);
  return { name, steps: rows.map((row) => steps[row]), values: rows.map((row) => short(values[row])) };
}

function peaksOf(values: Float64Array, known: Int32Array, buckets: number): number[] {
  const rows = [known[0]];
  const keep = (row: number) => {
    if (row > rows[rows.length - 1]) rows.push(row);
  };
  for (let bucket = 0; bucket < buckets; bucket++) {
    const [from, to] = [bucket, bucket + 1].map((i) => Math.floor((i * known.length) / buckets));
    let [low, high] = [known[from], known[from]];
    for (let i = from + 1; i < to; i++) {
      const row = known[i];
      if (values[row] < values[low]) low = row;
      if (values[row] > values[high]) high = row;
    }
    keep(Math.min(low, high));
    keep(Math.max(low, high));
  }
  keep(known[known.length - 1]);
  return rows;
}

/** The stages' seconds over a range, as means of `buckets` groups of neighbouring lines at most. */
export function meanParts(columns: LogColumns, range: Range, buckets: number): Parts {
  const { steps } = columns;
  const known = knownRows(columns.secondsOf(stages[0]), steps, range);
  const count = Math.min(buckets, known.length);
  const ends = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * known.length) / count));
  return {
    names: stages,
    steps: Array.from({ length: count }, (_, i) => steps[known[ends[i + 1] - 1]]),
    values: stages.map((stage) => {
      const seconds = columns.secondsOf(stage);
      return Array.from({ length: count }, (_, i) => {
        let sum = 0;
        for (let place = ends[i]; place < ends[i + 1]; place++) sum += seconds[known[place]];
        return short(sum / (ends[i + 1] - ends[i]));
      });
    }),
  };
}
