/** Numbers that show whether all photos get the same target. */
import { noGrad, scope, type Tensor } from "@salmask/torch";

/** What a batch's targets say of a collapse. */
export type PrototypeUse = {
  /**
   * Mean entropy of a target, as a share of the largest, 0 to 1. 1: targets say nothing, as when all prototypes or all embeddings
   * are the same. 0: each target is one prototype.
   */
  codeEntropy: number;
  /** Prototypes that are the largest of some target; 1 if all photos have the same. */
  prototypesUsed: number;
};

/** @param targets `[N, K]`, rows with a sum of 1, K at least 2 */
export function prototypeUse(targets: Tensor): PrototypeUse {
  return noGrad(() =>
    scope(() => {
      const [, prototypes] = targets.shape;
      const entropy = targets.mul(targets.clampMin(1e-30).log()).sum([1]).mean().neg().item();
      return {
        codeEntropy: entropy / Math.log(prototypes),
        prototypesUsed: new Set(targets.argmax({ dim: 1 }).toArray()).size,
      };
    }),
  );
}
