import type { Tensor } from "@salmask/torch";

/** Areas nearer to 0 or 1 are clamped to this distance, so that an empty mask has a finite penalty. */
const leastArea = 1e-4;

/**
 * The penalty of a nearly empty or nearly full mask: `1 / sin(pi a)` of its area a, a share of the view; 1 for one half
 * (Shi et al. 2022, equation 6). Returns the sum over masks `[]` of the means over photos, as the released code does.
 *
 * @param masks `[B, N, H, W]` in [0, 1]
 */
export function sparsityPenalty(masks: Tensor): Tensor {
  const area = masks.mean([2, 3]).clamp({ min: leastArea, max: 1 - leastArea }); // [B, N]
  return area.mul(Math.PI).sin().pow(-1).mean([0]).sum(); // []
}
