import type { MapSize } from "./source.js";

/**
 * Keeps only the largest connected component of marked cells; cells are connected by edges or corners. If two are
 * equally large, keeps the first from the upper left.
 *
 * @param cells `[rows * cols]`, 1 for marked cells; changed in place
 */
export function keepLargestComponent(cells: Uint8Array, { rows, cols }: MapSize): void {
  const seen = new Uint8Array(cells.length);
  let largest: number[] = [];
  for (const [start, marked] of cells.entries()) {
    if (marked === 0 || seen[start] === 1) continue;
    const part = [start];
    seen[start] = 1;
    for (const cell of part) {
      for (const next of neighbours(cell, { rows, cols })) {
        if (cells[next] === 0 || seen[next] === 1) continue;
        seen[next] = 1;
        part.push(next);
      }
    }
    if (part.length > largest.length) largest = part;
  }
  cells.fill(0);
  for (const cell of largest) cells[cell] = 1;
}

/** The up to eight neighbours of a cell. */
function neighbours(cell: number, { rows, cols }: MapSize): number[] {
  const [row, col] = [Math.floor(cell / cols), cell % cols];
  const around: number[] = [];
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
    for (let x = Math.max(0, col - 1); x <= Math.min(cols - 1, col + 1); x++) around.push(y * cols + x);
  }
  return around;
}
