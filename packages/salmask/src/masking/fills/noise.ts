import { cellsOnly, type Fill } from "./fill.js";
import { keyedNoise } from "./keyed-noise.js";

/** Normalised photos have a standard deviation of about 1. */
const deviationOfPhotos = 1;

/** Masked cells become Gaussian noise; the view itself is not filtered, unlike that of the high-pass fill. */
export function noiseFill(deviation: number = deviationOfPhotos): Fill {
  return {
    name: "noise",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared, { key }) => keyedNoise(prepared, key, deviation), // [B, 3, H, W]
  };
}
