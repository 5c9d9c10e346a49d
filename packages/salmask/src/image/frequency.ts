/** Pictures without a part of their spatial frequencies: what is left is coarse shape, or fine detail. */
import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";

/**
 * Keeps the frequencies up to a cutoff, with a sharp edge.
 *
 * @param pictures float32 `[B, C, H, W]`, any range
 * @param cutoff share of the highest frequency along a side (half a cycle per pixel), 0 to 1; diagonals reach 1.41
 * @returns float32 `[B, C, H, W]`; values can leave the range of the pictures
 */
export function lowPass(pictures: Tensor, cutoff: number): Tensor {
  return filtered(pictures, (frequency) => frequency <= cutoff);
}

/** Keeps the frequencies above a cutoff, and the mean of each channel. Otherwise as {@link lowPass}. */
export function highPass(pictures: Tensor, cutoff: number): Tensor {
  return filtered(pictures, (frequency) => frequency > cutoff || frequency === 0);
}

function filtered(pictures: Tensor, keeps: (frequency: number) => boolean): Tensor {
  return noGrad(() =>
    scope(() => {
      const [, , height, width] = pictures.shape;
      const columns = Math.floor(width / 2) + 1;
      const kept = new Float32Array(height * columns);
      for (let row = 0; row < height; row++) {
        const vertical = Math.min(row, height - row) / (height / 2);
        for (let column = 0; column < columns; column++) {
          const frequency = Math.hypot(vertical, column / (width / 2));
          kept[row * columns + column] = Number(keeps(frequency));
        }
      }
      const spectrum = ops.fftRfft2(pictures); // complex [B, C, H, W / 2 + 1]
      const rest = spectrum.mul(fromTypedArray(kept, [height, columns])); // complex [B, C, H, W / 2 + 1]
      return ops.fftIrfft2(rest, { s: [height, width] }); // [B, C, H, W]
    }),
  );
}
