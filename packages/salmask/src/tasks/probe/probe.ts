/** What an encoder has learned: kNN and linear classification of labelled photos, beside the same encoder untrained. */
import { Generator, KeyedRandom, scope } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { purpose } from "../../base/purposes.js";
import { splitsOf } from "../../data/samples/splits.js";
import { openDataset, type PackedDataset } from "../../data/store/dataset.js";
import type { Fill } from "../../masking/fills/fill.js";
import { knnTop1 } from "../../metrics/knn.js";
import { fastLinear } from "../../metrics/linear-fast.js";
import { type ResNet, resnet } from "../../models/resnet.js";
import { extractFeatures } from "./features.js";
import { paperLinear, paperLinearDefaults } from "./linear-paper.js";

/** `fast`: features once, lambda chosen on held-out rows. `paper`: SGD at lr 30 on augmented photos, 100 epochs. */
export type LinearProtocol = "fast" | "paper";

export interface ProbeOptions {
  backbone: ResNet;
  /** Labelled photos to learn from. */
  train: PackedDataset;
  /** Labelled photos to be scored on, of the same classes. */
  test: PackedDataset;
  /** Side of the square that the encoder sees, in pixels. */
  crop: number;
  /** What the encoder was trained on; see {@link Fill.prepare}. */
  fill: Fill;
  protocol: LinearProtocol;
  seed: number;
  report?: (line: string) => void;
}

/** Top-1 shares, 0 to 1. */
export interface ProbeResult {
  trainPhotos: number;
  testPhotos: number;
  protocol: LinearProtocol;
  knn: { top1: number; randomTop1: number };
  linear: { top1: number; randomTop1: number };
}

/** Scores an encoder, and one of the same shape with fresh weights under the same protocol. */
export function probe(options: ProbeOptions): ProbeResult {
  const { backbone, train, test, protocol, seed, report = () => {} } = options;
  checkLabels(train, test);
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  using untrained = resnet({ ...backbone.options, generator });
  report(`probing on ${train.length} photos, scored on ${test.length}`);
  const trained = score(backbone, options);
  report(`trained  kNN ${trained.knn.toFixed(4)}  linear ${trained.linear.toFixed(4)}`);
  const random = score(untrained, options);
  report(`random   kNN ${random.knn.toFixed(4)}  linear ${random.linear.toFixed(4)}`);
  return {
    ...{ trainPhotos: train.length, testPhotos: test.length, protocol },
    knn: { top1: trained.knn, randomTop1: random.knn },
    linear: { top1: trained.linear, randomTop1: random.linear },
  };
}

function score(backbone: ResNet, options: ProbeOptions): { knn: number; linear: number } {
  const { train, test, crop, fill, protocol, seed } = options;
  const classes = train.classes.length;
  const { batchSize } = paperLinearDefaults;
  return scope(() => {
    const of = (dataset: PackedDataset) => ({
      features: extractFeatures(backbone, dataset, { crop, fill, batchSize }), // [N, outChannels]
      labels: dataset.labels,
    });
    const [known, asked] = [of(train), of(test)];
    const knn = knnTop1(known, asked, classes);
    const linear =
      protocol === "fast"
        ? fastLinear(known, asked, classes, seed).top1
        : paperLinear(backbone, train, test, { ...paperLinearDefaults, crop, fill, seed });
    return { knn, linear };
  });
}

function checkLabels(train: PackedDataset, test: PackedDataset): void {
  for (const [name, dataset] of Object.entries({ train, test })) {
    if (dataset.labels.some((label) => label < 0) || dataset.classes.length < 2) {
      throw new DataError(
        "no-labels",
        `Expected one folder a class, at least two, in the ${name} photos ${dataset.path}, but ${dataset.classes.length} came.`,
      );
    }
  }
  if (train.classes.join("\n") !== test.classes.join("\n")) {
    throw new DataError(
      "other-classes",
      `Expected the same classes in both sets, but train has ${train.classes.join(", ")} and test has ${test.classes.join(", ")}.`,
    );
  }
}

/** The two sets that a `probe` command was given: two paths, or one that holds the splits. */
export async function openProbeData(
  paths: readonly string[],
  data: { crop: number; size: number | "auto"; cache?: string },
  report: (line: string) => void = () => {},
): Promise<{ train: PackedDataset; test: PackedDataset }> {
  let [train, test] = paths;
  if (test === undefined) {
    const splits = splitsOf(train);
    ({ train, test } = splits);
    report(
      `scored on ${splits.chosen}${splits.others.length === 0 ? "" : `, not on ${splits.others.join(" or ")}`}`,
    );
  }
  const open = (path: string) =>
    openDataset(path, { size: data.size, crop: data.crop, cacheDir: data.cache });
  return { train: await open(train), test: await open(test) };
}
