/** What is in the photos that a detector learns from. */
import { fromTypedArray, ops, scope, Tensor } from "@salmask/torch";
import { DataError } from "../base/errors.js";
import { sent } from "../compute/compute.js";
import { type Size, scaleBoxes } from "./boxes.js";

/** The objects of one photo; none is allowed. */
export interface Truth {
  /** `[N, 4]`, row by row: left, top, right, bottom in pixels of the photo. */
  readonly boxes: Float32Array;
  /** `[N]`, from 1: 0 is background. */
  readonly labels: Int32Array;
  /** Pixels of the photo for each object, `[N, H, W]` row by row, 0 outside of it; null where there are no masks. */
  readonly masks: Uint8Array | Tensor | null;
}

/** A photo's objects on the device, at the size that the network sees. */
export interface Objects {
  /** `[N, 4]` */
  readonly boxes: Tensor;
  /** `[N]`, from 1. */
  readonly labels: Int32Array;
  /** float32 `[N, H, W]`, 0 and 1; null where masks are not asked for. */
  readonly masks: Tensor | null;
}

export interface Expected {
  /** Without the background. */
  readonly classes: number;
  readonly masks: boolean;
}

/** Throws {@link DataError} `bad-target` where the truth of the photo at a place of the batch is not one of its size. */
export function checkTruth(
  { boxes, labels, masks }: Truth,
  size: Size,
  expected: Expected,
  photo: number,
): void {
  const count = labels.length;
  const refuse = (wanted: string, got: string) => {
    throw new DataError("bad-target", `Expected ${wanted} of photo ${photo} of the batch, got ${got}.`);
  };
  if (boxes.length !== 4 * count)
    refuse(`four sides of each of the ${count} objects`, `${boxes.length} sides`);
  for (let i = 0; i < count; i++) {
    const box = boxes.subarray(4 * i, 4 * i + 4);
    const [left, top, right, bottom] = box;
    if (!box.every(Number.isFinite) || !(right > left && bottom > top))
      refuse(
        "boxes with left, top, right and bottom, wider and higher than 0,",
        `${Array.from(box).join(", ")}`,
      );
    if (labels[i] < 1 || labels[i] > expected.classes)
      refuse(`labels from 1 to ${expected.classes}`, `${labels[i]}`);
  }
  if (!expected.masks) return;
  const shape = [count, size.height, size.width];
  if (masks === null) refuse(`masks [${shape}]`, "none");
  else if (masks instanceof Tensor) {
    if (masks.shape.join() !== shape.join()) refuse(`masks [${shape}]`, `masks [${masks.shape}]`);
  } else if (masks.length !== count * size.height * size.width)
    refuse(`masks [${shape}]`, `${masks.length} pixels`);
}

/** The objects of a photo that was made of another size. */
export function objectsOf(
  { boxes, labels, masks }: Truth,
  sizes: { readonly from: Size; readonly to: Size },
  { device, withMasks }: { readonly device: string; readonly withMasks: boolean },
): Objects {
  const { from, to } = sizes;
  const count = labels.length;
  return scope(() => {
    const sides = fromTypedArray(boxes, [count, 4], { device });
    return {
      boxes: scaleBoxes(sides, from, to), // [N, 4]
      labels,
      masks: withMasks && masks !== null ? scaledMasks(masks, count, sizes, device) : null,
    };
  });
}

/** `[N, H, W]` of either form, at another size and as 0 and 1: float32 `[N, H', W']`. */
function scaledMasks(
  masks: Uint8Array | Tensor,
  count: number,
  { from, to }: { readonly from: Size; readonly to: Size },
  device: string,
): Tensor {
  const shape = [count, from.height, from.width];
  const pixels = masks instanceof Tensor ? sent(masks, device) : fromTypedArray(masks, shape, { device });
  const planes = pixels.ne(0).to({ dtype: "float32" }); // [N, H, W]
  if (count === 0) return planes.reshape([0, to.height, to.width]);
  return ops.upsampleNearest2d(planes.unsqueeze(1), [to.height, to.width]).squeeze(1); // [N, H', W']
}
