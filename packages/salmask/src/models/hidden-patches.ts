/** Patches that a transformer is not shown: a fourth plane beside the colours says which. */
import { arange, type Tensor } from "@salmask/torch";

/** The colours of pictures `[B, 3 or 4, H, W]`, `[B, 3, H, W]`. */
export function coloursOf(input: Tensor): Tensor {
  return input.shape[1] === 3 ? input : input.narrow(1, 0, 3); // [B, 3, H, W]
}

/** bool `[B, N]`: whether any pixel of a patch is hidden; null for pictures without a fourth plane. */
export function hiddenPatchesOf(input: Tensor, patch: number): Tensor | null {
  if (input.shape[1] === 3) return null;
  const plane = input.narrow(1, 3, 1).contiguous(); // [B, 1, H, W]
  return plane.maxPool2d(patch).gt(0).flatten({ startDim: 1 }); // [B, N]
}

/** The patches that are left where hidden ones are dropped. */
export interface ShownPatches {
  /** int64 `[B, K]`, where K is the largest number of shown patches of a picture: which patches, the shown ones first. */
  readonly places: Tensor;
  /** bool `[B, K]`: true for hidden patches, which fill up rows with fewer shown ones; null where there are none. */
  readonly padding: Tensor | null;
}

/** Chooses the patches that are kept of `hidden` `[B, N]`; null where none is hidden. Waits for the device. */
export function shownPatchesOf(hidden: Tensor): ShownPatches | null {
  const [, length] = hidden.shape;
  const counts = hidden.logicalNot().sum([1]).toArray();
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (least === length) return null;
  const order = arange(0, length, { device: hidden.device }).add(hidden.mul(length)); // [B, N]
  const places = order.argsort({ dim: 1 }).narrow(1, 0, most); // [B, K]
  return { places, padding: least === most ? null : hidden.gather(1, places) };
}
