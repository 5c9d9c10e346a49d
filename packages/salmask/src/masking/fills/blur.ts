import { gaussianBlur } from "../../image/gaussian-blur.js";
import { cellsOnly, type Fill } from "./fill.js";

export interface BlurOptions {
  /** Taps of the Gaussian, odd. It is cut at 1.5 sigma in the paper, so the kernel matters beside the sigma. */
  readonly kernel: number;
  /** In pixels. */
  readonly sigma: number;
}

/** Masked cells show the same crop, strongly blurred. */
export function blurFill({ kernel, sigma }: BlurOptions): Fill {
  return {
    name: "blur",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared) => gaussianBlur(prepared, kernel, sigma), // [B, 3, H, W]
  };
}
