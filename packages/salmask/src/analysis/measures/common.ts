/** What several measures need. */
import { scope, type Tensor } from "@salmask/torch";
import { countEqual } from "../../metrics/knn.js";
import { type LinearClassifier, linearScores } from "../../metrics/linear-fast.js";

/** The mean; null of no values. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Share of `[n, d]` features that a classifier sorts into their classes, 0 to 1. */
export function accuracyOf(classifier: LinearClassifier, features: Tensor, labels: Int32Array): number {
  return scope(() => {
    const predicted = linearScores(classifier, features).argmax({ dim: 1 }); // [n]
    return countEqual(predicted, labels) / labels.length;
  });
}
