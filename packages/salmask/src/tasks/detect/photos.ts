/** From photos and their annotations to what a detector looks at and learns from. */
import { fromTypedArray, scope, type Tensor } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import type { Box } from "../../data/samples/box.js";
import type { AnnotatedPhoto } from "../../data/samples/objects.js";
import { decodeMask } from "../../data/samples/rle.js";
import { toMask } from "../../data/samples/segmentation.js";
import type { Truth } from "../../detection/targets.js";
import type { RgbImage } from "../../image/decode.js";
import { toPlanes } from "../../image/planes.js";

/** A photo in [0, 1], `[3, H, W]`, mirrored where that is asked for. */
export function pictureOf({ data, height, width }: RgbImage, isMirrored = false): Tensor {
  return scope(() => {
    const planes = fromTypedArray(toPlanes(data, height * width), [3, height, width]);
    const unit = planes.to({ dtype: "float32" }).div_(255); // [3, H, W]
    return isMirrored ? unit.flip([2]) : unit;
  });
}

/**
 * What is in a photo that a detector learns from. Groups of things that are not told apart (crowds) are left out, as in
 * torchvision's training script.
 */
export function truthOf(
  { objects, height, width }: AnnotatedPhoto,
  { withMasks, isMirrored = false }: { readonly withMasks: boolean; readonly isMirrored?: boolean },
): Truth {
  const learned = objects.filter(({ isCrowd }) => !isCrowd);
  const boxes = learned.flatMap(({ box }) => (isMirrored ? mirrored(box, width) : box));
  const area = height * width;
  const masks = withMasks ? new Uint8Array(learned.length * area) : null; // [N, H, W]
  for (const [i, { id, segmentation }] of learned.entries()) {
    if (masks === null) break;
    if (segmentation === null) throw withoutMask(id);
    const pixels = decodeMask(toMask(segmentation, height, width)); // [H, W]
    if (isMirrored) for (let y = 0; y < height; y++) pixels.subarray(y * width, (y + 1) * width).reverse();
    masks.set(pixels, i * area);
  }
  return {
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(learned, ({ category }) => category + 1),
    masks,
  };
}

/** Throws {@link DataError} `other-size` where a photo is not of the size that its annotations say. */
export function checkSize(photo: RgbImage, { name, height, width }: AnnotatedPhoto): void {
  if (photo.height === height && photo.width === width) return;
  throw new DataError(
    "other-size",
    `Expected ${name} to have ${height} x ${width} pixels as its annotations say, got ${photo.height} x ${photo.width}.`,
  );
}

const mirrored = ([left, top, right, bottom]: Box, width: number): Box => [
  width - right,
  top,
  width - left,
  bottom,
];

function withoutMask(id: number): DataError {
  return new DataError(
    "no-mask",
    `Expected a mask of each object, got annotation ${id} with a box alone. Give --detection.masks false.`,
  );
}
