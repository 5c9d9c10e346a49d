/** Some of a set's labels, as if the others were not known: few labels are why people pre-train. */
import { KeyedRandom } from "@salmask/torch";
import { UsageError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";

/** How many labels of each class are known. */
export type LabelBudget =
  | { readonly kind: "all" }
  /** Above 0, at most 1. */
  | { readonly kind: "share"; readonly share: number }
  /** From 1. */
  | { readonly kind: "perClass"; readonly count: number };

/** `all`, a share such as `10%`, or a number of photos per class such as `5`. Throws {@link UsageError} `bad-labels`. */
export function labelBudget(text: string): LabelBudget {
  if (text === "all") return { kind: "all" };
  const [, number, sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(number);
  if (sign === "%" && value > 0 && value <= 100) return { kind: "share", share: value / 100 };
  if (sign === "" && Number.isSafeInteger(value) && value >= 1) return { kind: "perClass", count: value };
  throw new UsageError(
    "bad-labels",
    `Expected labels to be all, a share such as 10%, or a number per class such as 5, got ${JSON.stringify(text)}.`,
  );
}

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
