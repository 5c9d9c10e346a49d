import { cellsOnly, type Fill } from "./fill.js";

/** Masked cells get the mean of their own crop and channel, over the whole normalised crop. */
export function meanFill(): Fill {
  return {
    name: "mean",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared) => prepared.mean([2, 3], { keepdim: true }), // [B, 3, 1, 1]
  };
}
