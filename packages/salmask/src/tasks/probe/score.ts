/** Scores one encoder on labelled photos with its frozen features. */
import type { Tensor } from "@salmask/torch";
import type { PackedDataset } from "../../data/store/dataset.js";
import type { ClassificationScores } from "../../metrics/classification.js";
import { knnTop1 } from "../../metrics/knn.js";
import { fastLinear, type LabelledFeatures } from "../../metrics/linear-fast.js";
import type { Backbone } from "../../models/backbone.js";
import { extractFeatures, type FeatureOptions } from "./features.js";

/** Labelled photos of a data set: all, or only `ids`. */
export interface LabelledPhotos {
  readonly dataset: PackedDataset;
  readonly ids?: Int32Array;
}

/** Top-1 accuracies, 0 to 1. */
export interface Scores {
  /** Top-1 share, 0 to 1. */
  readonly knn: number;
  readonly linear: ClassificationScores;
}

/** Frees its features when it is disposed of. */
export interface KnownFeatures extends LabelledFeatures, Disposable {}

/** The features of labelled photos, with their labels. The caller must dispose of them. */
export async function labelledFeatures(
  backbone: Backbone,
  { dataset, ids }: LabelledPhotos,
  options: FeatureOptions,
): Promise<KnownFeatures> {
  const features: Tensor = await extractFeatures(backbone, dataset, options, ids); // [N, outChannels]
  const labels = ids === undefined ? dataset.labels : Int32Array.from(ids, (id) => dataset.labels[id]);
  return { features, labels, [Symbol.dispose]: () => features.dispose() };
}

/** kNN and the fast linear probe: features are computed once, lambda is selected on held-out training rows. */
export function scoreFeatures(
  train: LabelledFeatures,
  test: LabelledFeatures,
  classes: number,
  seed: number,
): Scores {
  return {
    knn: knnTop1(train, test, classes),
    linear: fastLinear(train, test, classes, seed).scores,
  };
}
