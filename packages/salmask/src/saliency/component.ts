import type { MapSize } from "./source.js";

/**
 * Clears all marked cells but the largest part that hangs together by edges or corners; of two as large, the first from
 * the upper left stays.
 *
 * @param cells `[rows * cols]`, 1 where marked; changed in place
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

/** The up to eight cells around one. */
function neighbours(cell: number, { rows, cols }: MapSize): number[] {
  const [row, col] = [Math.floor(cell / cols), cell % cols];
  const around: number[] = [];
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
    for (let x = Math.max(0, col - 1); x <= Math.min(cols - 1, col + 1); x++) around.push(y * cols + x);
  }
  return around;
}
