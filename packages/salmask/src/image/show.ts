/** What encoders get, as pictures for people. */
import { scope, type Tensor } from "@salmask/torch";
import { IMAGENET_NORMALIZATION } from "./normalize.js";

/** Converts normalised `[3, H, W]` to [0, 1]. */
export function denormalize(view: Tensor): Tensor {
  const { mean, std } = IMAGENET_NORMALIZATION;
  return scope(() => {
    const out = view.clone(); // [3, H, W]
    for (const c of [0, 1, 2]) out.select(0, c).mul_(std[c]).add_(mean[c]);
    return out.clamp({ min: 0, max: 1 });
  });
}

/** Shows a filtered view around grey: `[3, H, W]` with mean near 0 to [0, 1]. */
export function aroundGrey(view: Tensor): Tensor {
  return scope(() => view.mul(0.25).add(0.5).clamp({ min: 0, max: 1 })); // [3, H, W]
}
