import { fromTypedArray, KeyedRandom, noGrad, ops, scope, type Tensor, tensor, zeros } from "@salmask/torch";
import { purpose } from "../base/purposes.js";
import { type ClassificationScores, classificationScores } from "./classification.js";
import { countEqual } from "./knn.js";
import { lbfgs } from "./lbfgs.js";

export interface LabelledFeatures {
  /** `[N, d]` */
  features: Tensor;
  /** Length N, from 0 to classes - 1. */
  labels: Int32Array;
}

/** How features are standardised. */
export interface Scale {
  /** `[d]` */
  readonly mean: Tensor;
  /** `[d]`, positive. */
  readonly spread: Tensor;
}

/** The mean and the standard deviation of each column of features `[N, d]`. */
export function scaleOf(features: Tensor): Scale {
  return scope(() => ({
    mean: features.mean([0]), // [d]
    spread: features.std([0], 0).clampMin(1e-6), // [d]
  }));
}

export interface FastLinearOptions {
  /** Candidates for lambda, from strong to weak regularisation; one alone is taken without asking held-out rows. */
  penalties: readonly number[];
  /** Share of the training rows that select lambda. They are also used in the final training. */
  heldOut: number;
  /** Default: that of the training rows. */
  scale?: Scale;
}

export const fastLinearDefaults: FastLinearOptions = {
  penalties: [1e-1, 1e-2, 1e-3, 1e-4, 1e-5],
  heldOut: 0.1,
};

/** Softmax regression on standardised features. */
interface Classifier {
  /** `[d, classes]` */
  weight: Tensor;
  /** `[classes]` */
  bias: Tensor;
}

/** `[N, d]` to scores `[N, classes]`. */
function scores({ weight, bias }: Classifier, features: Tensor): Tensor {
  return features.matmul(weight).add(bias); // [N, classes]
}

/**
 * Minimises `mean cross-entropy + penalty / 2 * |weight|^2` (the bias has no penalty). The problem is convex, so the
 * start affects only the running time.
 */
export function fitSoftmax(
  { features, labels }: LabelledFeatures,
  classes: number,
  penalty: number,
  start?: Classifier,
): Classifier {
  return scope(() =>
    noGrad(() => {
      const [rows, d] = features.shape;
      const target = fromTypedArray(labels, [rows]).toCopy({ dtype: "int64" }); // [N]
      const oneHot = ops.oneHot(target, { numClasses: classes }).toCopy({ dtype: "float32" }); // [N, classes]
      const initial = start
        ? ops.cat([start.weight, start.bias.unsqueeze(0)]) // [d + 1, classes]
        : zeros([d + 1, classes]);
      const solution = lbfgs(initial, (at) => {
        const classifier = { weight: at.narrow(0, 0, d), bias: at.select(0, d) };
        const logProbabilities = scores(classifier, features).logSoftmax(1); // [N, classes]
        const fit = -logProbabilities.mul(oneHot).sum().item() / rows;
        const size = classifier.weight.mul(classifier.weight).sum().item();
        const residual = logProbabilities.exp().sub(oneHot).div(rows); // [N, classes]
        const slope = features.t().matmul(residual).add(classifier.weight, { alpha: penalty }); // [d, classes]
        const gradient = ops.cat([slope, residual.sum([0], { keepdim: true })]); // [d + 1, classes]
        return { value: fit + (penalty / 2) * size, gradient };
      });
      return { weight: solution.narrow(0, 0, d).clone(), bias: solution.select(0, d).clone() };
    }),
  );
}

function top1(classifier: Classifier, { features, labels }: LabelledFeatures): number {
  return scope(() => countEqual(scores(classifier, features).argmax({ dim: 1 }), labels) / labels.length);
}

/** Softmax regression with the standardisation of the features that it learned from. */
export interface LinearClassifier extends Classifier, Scale {
  /** The selected lambda. */
  readonly penalty: number;
}

/** Frees a classifier that no scope owns. */
export function disposeClassifier({ weight, bias, mean, spread }: LinearClassifier): void {
  for (const part of [weight, bias, mean, spread]) part.dispose();
}

/** Features `[M, d]` to scores `[M, classes]`. */
export function linearScores({ mean, spread, ...classifier }: LinearClassifier, features: Tensor): Tensor {
  return scope(() => scores(classifier, features.sub(mean).div(spread))); // [M, classes]
}

/**
 * Softmax regression on features that are computed once. Lambda is selected on a held-out part of the rows; then the classifier
 * is trained on all of them.
 */
export function learnLinear(
  train: LabelledFeatures,
  classes: number,
  seed: number,
  options: FastLinearOptions = fastLinearDefaults,
): LinearClassifier {
  return scope(() =>
    noGrad(() => {
      const given = options.scale ?? scaleOf(train.features);
      const [mean, spread] = [given.mean.clone(), given.spread.clone()]; // [d] each
      const all = { features: train.features.sub(mean).div(spread), labels: train.labels }; // [N, d]
      if (options.penalties.length === 1) {
        const [penalty] = options.penalties;
        return { ...fitSoftmax(all, classes, penalty), mean, spread, penalty };
      }
      const order = new KeyedRandom(seed, purpose.holdOut).permutation(train.labels.length);
      const held = Math.max(1, Math.round(train.labels.length * options.heldOut));
      const choose = rowsOf(all, order.subarray(0, held));
      const fit = rowsOf(all, order.subarray(held));
      let best = { penalty: options.penalties[0], accuracy: -1 };
      let classifier: Classifier | undefined;
      for (const penalty of options.penalties) {
        classifier = fitSoftmax(fit, classes, penalty, classifier);
        const accuracy = top1(classifier, choose);
        if (accuracy > best.accuracy) best = { penalty, accuracy };
      }
      const final = fitSoftmax(all, classes, best.penalty, classifier);
      return { ...final, mean, spread, penalty: best.penalty };
    }),
  );
}

/** The fast linear probe: {@link learnLinear} on the training rows. The test rows are used once. */
export function fastLinear(
  train: LabelledFeatures,
  test: LabelledFeatures,
  classes: number,
  seed: number,
  options: FastLinearOptions = fastLinearDefaults,
): { scores: ClassificationScores; penalty: number } {
  return scope(() =>
    noGrad(() => {
      const learned = learnLinear(train, classes, seed, options);
      const logits = linearScores(learned, test.features); // [M, classes]
      return { scores: classificationScores(logits, test.labels), penalty: learned.penalty };
    }),
  );
}

function rowsOf({ features, labels }: LabelledFeatures, rows: Int32Array): LabelledFeatures {
  return {
    features: features.indexSelect(0, tensor(rows)),
    labels: Int32Array.from(rows, (row) => labels[row]),
  };
}
