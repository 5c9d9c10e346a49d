import { noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { type EmbeddedNegatives, embedded } from "../masking/hard-negatives.js";
import type { MaskSettings } from "../masking/settings.js";
import type { BatchViews } from "../views/view.js";
import { mirroredTargets } from "./mirrored-views.js";

/** What the sources of both directions are compared with. */
export interface EncodedTargets {
  /** Photos in the batch, B. */
  readonly batch: number;
  /** `[2 B, dim]`: the second view's, then the first view's, in the order of the sources that are compared with them. */
  readonly targets: Tensor;
  /** null if the run has none. */
  readonly negatives: EmbeddedNegatives | null;
}

/**
 * Encodes the targets and the hard negatives of a batch without gradients. All pass through `encode` together, `[N, 3, H, W]` to
 * `[N, dim]`, so that none is known by its batch statistics.
 */
export function encodeTargets(
  encode: (pixels: Tensor) => Tensor,
  { views, negatives }: BatchViews,
  branch: MaskSettings["branch"],
): EncodedTargets {
  const [first, second] = mirroredTargets(views, branch); // [B, 3, H, W] each
  const batch = first.shape[0];
  const shown = [second, first, ...(negatives === null ? [] : [negatives.pixels])];
  const all = noGrad(() => scope(() => encode(ops.cat(shown)))); // [2 B + M B, dim]
  return {
    batch,
    targets: all.narrow(0, 0, 2 * batch), // [2 B, dim]
    negatives:
      negatives === null ? null : embedded(negatives, all.narrow(0, 2 * batch, all.shape[0] - 2 * batch)), // of [M * B, dim]
  };
}
