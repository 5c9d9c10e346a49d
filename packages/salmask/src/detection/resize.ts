/** From photos to what the network sees: torchvision's `GeneralizedRCNNTransform`. */
import { ops, scope, type Tensor, zeros } from "@salmask/torch";
import { sent } from "../compute/compute.js";
import { type Normalization, normalize } from "../image/normalize.js";
import type { Size } from "./boxes.js";

/** Sides of a batch are multiples of it. */
const divisor = 32;

export interface ResizedBatch {
  /** Normalised, 0 beyond each photo's own size: `[B, 3, H, W]`. */
  readonly pictures: Tensor;
  /** Of each photo, without the padding. */
  readonly sizes: readonly Size[];
}

/** The size of a photo whose shorter side becomes `shortSide`, or whose longer `longSide` where that is smaller. */
export function resizedSize({ height, width }: Size, shortSide: number, longSide: number): Size {
  const short = Math.fround(shortSide / Math.min(height, width));
  const long = Math.fround(longSide / Math.max(height, width));
  const scale = Math.min(short, long);
  const side = (length: number) => Math.max(1, Math.floor(length * scale));
  return { height: side(height), width: side(width) };
}

/** The size of a photo `[3, H, W]`. */
export function sizeOf(photo: Tensor): Size {
  const [, height, width] = photo.shape;
  return { height, width };
}

/** Photos `[3, H, W]` in [0, 1] at given sizes, as one batch on a device. */
export function resizedBatch(
  photos: readonly Tensor[],
  sizes: readonly Size[],
  { device, normalization }: { readonly device: string; readonly normalization: Normalization },
): ResizedBatch {
  const side = (lengths: number[]) => Math.ceil(Math.max(...lengths) / divisor) * divisor;
  const height = side(sizes.map((size) => size.height));
  const width = side(sizes.map((size) => size.width));
  const pictures = zeros([photos.length, 3, height, width], { device });
  scope(() => {
    for (const [i, photo] of photos.entries()) {
      const size = sizes[i];
      const planes = sent(photo, device).unsqueeze(0); // [1, 3, H, W]
      const resized = ops.upsampleBilinear2d(planes, [size.height, size.width], false);
      const place = pictures.narrow(0, i, 1).narrow(2, 0, size.height).narrow(3, 0, size.width);
      place.copy_(normalize(resized, normalization));
    }
  });
  return { pictures, sizes };
}
