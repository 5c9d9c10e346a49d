import { ops, type Tensor } from "@salmask/torch";

/** `[B, C, H, W]` to `[B, C, h, w]`. Shrinking averages, to avoid aliasing. */
export function resize(pictures: Tensor, [height, width]: readonly [number, number]): Tensor {
  const [, , fromHeight, fromWidth] = pictures.shape;
  if (fromHeight === height && fromWidth === width) return pictures;
  if (fromHeight >= height && fromWidth >= width) return pictures.adaptiveAvgPool2d([height, width]);
  return ops.upsampleBilinear2d(pictures, [height, width], false);
}
