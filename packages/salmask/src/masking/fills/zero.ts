import { zeros } from "@salmask/torch";
import { cellsOnly, type Fill } from "./fill.js";

/** Masked cells are zero after normalisation: the mean colour of ImageNet. */
export function zeroFill(): Fill {
  return {
    name: "zero",
    shapes: cellsOnly,
    prepare: (crops) => crops,
    replacement: ({ device }) => zeros([1, 1, 1, 1], { device }), // [1, 1, 1, 1]
  };
}
