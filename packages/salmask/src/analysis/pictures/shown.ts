/** Tensors as pictures of a report. */
import { scope, type Tensor } from "@salmask/torch";
import { aroundGrey, denormalize } from "../../image/show.js";
import type { Picture } from "../measured.js";

/** A picture `[3, H, W]` in [0, 1]. */
export function rgb(picture: Tensor): Picture {
  const [, height, width] = picture.shape;
  return { kind: "rgb", data: scope(() => picture.contiguous().toFloat32Array()), height, width };
}

/** A map `[H, W]`, at least 0. `top` has the brightest colour; without it the map's largest value does. */
export function heat(map: Tensor, top?: number): Picture {
  const [height, width] = map.shape;
  const data = scope(() => map.contiguous().toFloat32Array());
  const largest = top ?? data.reduce((most, value) => Math.max(most, value), 0);
  return { kind: "heat", data, height, width, top: largest };
}

/** What an encoder gets, `[3, H, W]`: normalised, or filtered, which is shown around grey. */
export function seenBy(picture: Tensor, isFiltered: boolean): Picture {
  return scope(() => rgb(isFiltered ? aroundGrey(picture) : denormalize(picture)));
}
