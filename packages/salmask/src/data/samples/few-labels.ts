/** Some of a set's labels, as if the others were not known: few labels are why people pre-train. */
import { KeyedRandom } from "@salmask/torch";
import { purpose } from "../../base/purposes.js";
import type { LabelBudget } from "./label-budget.js";

/**
 * The photos whose labels are known, in ascending order: of each class as many as the budget says, at least one. Photos without
 * a label (-1) are left out. A smaller budget's photos are among a larger one's, for the same seed.
 */
export function withKnownLabels(
  labels: Int32Array,
  classes: number,
  budget: LabelBudget,
  seed: number,
): Int32Array {
  const byClass = Array.from({ length: classes }, (): number[] => []);
  for (const [photo, label] of labels.entries()) byClass[label]?.push(photo);
  const known = byClass.flatMap((photos, label) => {
    const order = new KeyedRandom(seed, purpose.knownLabels, label).permutation(photos.length);
    return Array.from(order.subarray(0, countOf(photos.length, budget)), (place) => photos[place]);
  });
  return Int32Array.from(known).sort();
}

function countOf(photos: number, budget: LabelBudget): number {
  switch (budget.kind) {
    case "all":
      return photos;
    case "share":
      return Math.min(photos, Math.max(1, Math.round(budget.share * photos)));
    case "perClass":
      return Math.min(photos, budget.count);
  }
}
