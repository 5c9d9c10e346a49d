import { fromTypedArray, ops, type Tensor, zeros } from "@salmask/torch";
import { cellsOnly, type Fill } from "./fill.js";

/**
 * Masked cells are not shown at all: a fourth plane beside the colours is 1 there, and a vision transformer leaves out their patches or
 * puts its mask token in their places. The colours under it are 0, the mean of normalised photos.
 */
export function hiddenFill(): Fill {
  return {
    name: "hidden",
    shapes: cellsOnly,
    prepare(crops) {
      const [batch, , height, width] = crops.shape;
      return ops.cat([crops, zeros([batch, 1, height, width], { device: crops.device })], { dim: 1 }); // [B, 4, H, W]
    },
    replacement: ({ device }): Tensor =>
      fromTypedArray(Float32Array.of(0, 0, 0, 1), [1, 4, 1, 1], { device }),
  };
}
