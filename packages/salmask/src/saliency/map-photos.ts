import { fromTypedArray, noGrad, scope, type Tensor, tensor } from "@salmask/torch";
import { labOf } from "../image/lab.js";
import { IMAGENET_NORMALIZATION } from "../image/normalize.js";
import type { PictureSize } from "./barrier/barrier-distance.js";
import type { MapSize } from "./source.js";

/** Longest side in pixels of the pictures that methods without a network look at. */
const longestSide = 128;

/** A photo as methods without a network get it. */
export interface Picture {
  readonly size: PictureSize;
  /** `[3 * height * width]`: planes of red, green and blue, normalised with ImageNet's mean and standard deviation. */
  readonly normalised: Float32Array;
  /** `[3 * height * width]`: planes of CIELAB's L (0 to 100), a and b. */
  readonly lab: Float32Array;
}

/**
 * Maps of photos by a function of one picture, on the host.
 *
 * @param photos float32 `[B, 3, H, W]`, normalised with ImageNet's mean and standard deviation
 * @param mapOf gives a picture's map, `[height * width]`
 * @returns float32 `[B, rows, cols]` on the photos' device: means of the maps' pixels
 */
export function mapPhotos(
  photos: Tensor,
  { rows, cols }: MapSize,
  mapOf: (picture: Picture, photo: number) => Float32Array,
): Tensor {
  return noGrad(() =>
    scope(() => {
      const [batch, , H, W] = photos.shape;
      const size = { height: Math.min(H, longestSide), width: Math.min(W, longestSide) };
      const small = photos.adaptiveAvgPool2d([size.height, size.width]); // [B, 3, h, w]
      const normalised = small.contiguous().toFloat32Array();
      const rgb = denormalizeAll(small).toFloat32Array();
      const area = size.height * size.width;
      const maps = new Float32Array(batch * area);
      for (let photo = 0; photo < batch; photo++) {
        const own = (planes: Float32Array) => planes.subarray(3 * photo * area, 3 * (photo + 1) * area); // [3 * h * w]
        const picture = { size, normalised: own(normalised), lab: labOf(own(rgb)) };
        maps.set(mapOf(picture, photo), photo * area);
      }
      const whole = fromTypedArray(maps, [batch, 1, size.height, size.width], { device: photos.device }); // [B, 1, h, w]
      return whole.adaptiveAvgPool2d([rows, cols]).squeeze(1); // [B, rows, cols]
    }),
  );
}

/** Normalised photos as colours in [0, 1]: `[B, 3, h, w]` to the same. */
function denormalizeAll(photos: Tensor): Tensor {
  const { mean, std } = IMAGENET_NORMALIZATION;
  const channels = (values: readonly number[]) =>
    tensor(values, { shape: [1, 3, 1, 1], device: photos.device }); // [1, 3, 1, 1]
  return photos.mul(channels(std)).add(channels(mean)).clamp({ min: 0, max: 1 }).contiguous();
}
