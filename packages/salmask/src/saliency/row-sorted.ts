import type { Foreground } from "../masking/foreground.js";

/**
 * An error of the paper's released code, as a control: each row's foreground cells are moved to the row's right end, so
 * that their number stays and their place is lost.
 *
 * @param cols cells per row
 */
export function rowSorted({ cells, shares }: Foreground, cols: number): Foreground {
  const sorted = cells.slice();
  for (let from = 0; from < sorted.length; from += cols) sorted.subarray(from, from + cols).sort();
  return { cells: sorted, shares };
}
