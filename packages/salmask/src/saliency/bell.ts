/**
 * A Gaussian bell on the middle of a plane, `[rows * cols]`, 1 at its top: where photographers put objects.
 *
 * @param spread standard deviation in parts of the side
 */
export function bell(rows: number, cols: number, spread: number): Float32Array {
  return Float32Array.from({ length: rows * cols }, (_, cell) => {
    const y = (Math.floor(cell / cols) + 0.5) / rows - 0.5;
    const x = ((cell % cols) + 0.5) / cols - 0.5;
    return Math.exp(-(x * x + y * y) / (2 * spread * spread));
  });
}

/** Of sources that weigh what they see by the bell; wider than the control, since it only helps. */
export const helpingSpread = 0.35;
