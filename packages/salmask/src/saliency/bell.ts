/**
 * A Gaussian bell in the centre of a plane, `[rows * cols]`, with maximum 1: photographers often place objects there.
 *
 * @param spread standard deviation as a share of the side
 */
export function bell(rows: number, cols: number, spread: number): Float32Array {
  return Float32Array.from({ length: rows * cols }, (_, cell) => {
    const y = (Math.floor(cell / cols) + 0.5) / rows - 0.5;
    const x = ((cell % cols) + 0.5) / cols - 0.5;
    return Math.exp(-(x * x + y * y) / (2 * spread * spread));
  });
}
