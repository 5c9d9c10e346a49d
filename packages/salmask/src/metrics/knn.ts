import { fromTypedArray, noGrad, ops, scope, type Tensor } from "@salmask/torch";
import { unitRows } from "../models/encoder.js";

export interface KnnOptions {
  /** Number of neighbours that vote; at most the number of training rows. */
  k: number;
  /** A neighbour with cosine s votes with weight `exp(s / temperature)`. */
  temperature: number;
}

const knnDefaults: KnnOptions = { k: 20, temperature: 0.07 };

/**
 * Weighted nearest-neighbour classification with cosines (Wu et al. 2018, section 3.4): the votes for each class, `[M, classes]`.
 *
 * @param train `[N, d]` with labels of length N, from 0 to classes - 1
 * @param test `[M, d]`
 */
export function knnVotes(
  train: { features: Tensor; labels: Int32Array },
  test: Tensor,
  classes: number,
  options: KnnOptions = knnDefaults,
): Tensor {
  return scope(() =>
    noGrad(() => {
      const bank = unitRows(train.features).t(); // [d, N]
      const bankLabels = fromTypedArray(train.labels, [train.labels.length]).toCopy({ dtype: "int64" }); // [N]
      const k = Math.min(options.k, train.labels.length);
      const [count] = test.shape;
      const rows = 512;
      const parts: Tensor[] = [];
      for (let from = 0; from < count; from += rows) {
        const length = Math.min(rows, count - from);
        const votes = scope(() => {
          const queries = unitRows(test.narrow(0, from, length)); // [m, d]
          const [cosines, nearest] = queries.matmul(bank).topk(k); // [m, k] each
          const voters = bankLabels.indexSelect(0, nearest.reshape([-1])).reshape([length, k]); // [m, k]
          const weights = cosines.div(options.temperature).exp().unsqueeze(2); // [m, k, 1]
          return ops.oneHot(voters, { numClasses: classes }).mul(weights).sum([1]); // [m, classes]
        });
        parts.push(votes);
      }
      return ops.cat(parts); // [M, classes]
    }),
  );
}

/** The share of test rows `[M, d]` whose class wins the vote of {@link knnVotes}, 0 to 1. */
export function knnTop1(
  train: { features: Tensor; labels: Int32Array },
  test: { features: Tensor; labels: Int32Array },
  classes: number,
  options: KnnOptions = knnDefaults,
): number {
  return scope(() => {
    const votes = knnVotes(train, test.features, classes, options); // [M, classes]
    return countEqual(votes.argmax({ dim: 1 }), test.labels) / test.labels.length;
  });
}

/** The number of predictions `[m]` that equal their labels. */
export function countEqual(predictions: Tensor, labels: Int32Array): number {
  const predicted = predictions.toArray();
  return predicted.filter((label, i) => label === labels[i]).length;
}
