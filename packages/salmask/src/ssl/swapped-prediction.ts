import { ops, type Tensor } from "@salmask/torch";

/**
 * Each view predicts what the other views' targets say (SwAV's equation 2, DINO's equation 3): the mean `[]` over photos and over
 * pairs of a target and another view of `-sum(target * log softmax(logits))`.
 *
 * @param targets of the first views, `[B, K]` each, rows with a sum of 1
 * @param logits of all views, `[B, K]` each, in the same order
 */
export function swappedCrossEntropy(targets: readonly Tensor[], logits: readonly Tensor[]): Tensor {
  const logarithms = logits.map((view) => view.logSoftmax(1)); // [B, K] each
  const pairs = targets.flatMap((target, own) =>
    logarithms.filter((_, view) => view !== own).map((logarithm) => target.mul(logarithm).sum([1]).mean()),
  );
  return ops.stack(pairs).mean().neg(); // []
}
