import { cellsOnly, type Fill } from "./fill.js";

/** Plain contrastive learning: masked pixels keep their values. */
export function noFill(): Fill {
  return {
    name: "none",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: (prepared) => prepared,
  };
}
