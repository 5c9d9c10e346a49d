import { cellsOnly, type Fill } from "./fill.js";

/** Plain contrastive learning: masked pixels are the pixels that were there. */
export function noFill(): Fill {
  return {
    name: "none",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared) => prepared,
  };
}
