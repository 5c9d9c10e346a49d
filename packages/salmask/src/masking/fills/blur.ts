import { gaussianBlur } from "../../image/gaussian-blur.js";
import type { BlurOptions } from "../settings.js";
import { cellsOnly, type Fill } from "./fill.js";

/** Masked cells show the same crop with a strong blur. */
export function blurFill({ kernel, sigma }: BlurOptions): Fill {
  return {
    name: "blur",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared) => gaussianBlur(prepared, kernel, sigma), // [B, 3, H, W]
  };
}
