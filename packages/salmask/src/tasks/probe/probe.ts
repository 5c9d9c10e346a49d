/**
 * Measures what an encoder has learned: kNN and linear classification of labelled photos, compared with an untrained
 * encoder.
 */
import { Generator, KeyedRandom } from "@salmask/torch";
import { DataError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { splitsOf } from "../../data/samples/splits.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { openPhotos } from "../../data/store/open-photos.js";
import type { Fill } from "../../masking/fills/fill.js";
import { knnTop1 } from "../../metrics/knn.js";
import type { Backbone } from "../../models/backbone.js";
import { createBackbone } from "../../models/registry.js";
import type { FeatureOptions } from "./features.js";
import { paperLinear, paperLinearDefaults } from "./linear-paper.js";
import { labelledFeatures, type Scores, scoreFeatures } from "./score.js";

/**
 * `fast`: features computed once, lambda selected on held-out rows. `paper`: SGD at lr 30 on augmented photos, 100
 * epochs.
 */
export type LinearProtocol = "fast" | "paper";

export interface ProbeOptions {
  readonly backbone: Backbone;
  /** Labelled photos to learn from. */
  readonly train: PackedDataset;
  /** Labelled photos to score, with the same classes. */
  readonly test: PackedDataset;
  /** Side of the encoder's square input, in pixels. */
  readonly crop: number;
  /** The fill of the encoder's training; see {@link Fill.prepare}. */
  readonly fill: Fill;
  readonly protocol: LinearProtocol;
  readonly seed: number;
  /** Aborting stops the probe with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Top-1 accuracies, 0 to 1. */
export interface ProbeResult {
  trainPhotos: number;
  testPhotos: number;
  protocol: LinearProtocol;
  knn: { top1: number; randomTop1: number };
  linear: { top1: number; randomTop1: number };
}

/** Scores an encoder, and one of the same shape with new random weights, with the same protocol. */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { backbone, train, test, protocol, seed, report = silent } = options;
  checkLabels(train, test);
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  using untrained = createBackbone(backbone.spec, generator);
  report({ kind: "note", message: `probing on ${train.length} photos, scored on ${test.length}` });
  const trained = await score(backbone, options, "the encoder");
  const random = await score(untrained, options, "an untrained one");
  return {
    trainPhotos: train.length,
    testPhotos: test.length,
    protocol,
    knn: { top1: trained.knn, randomTop1: random.knn },
    linear: { top1: trained.linear, randomTop1: random.linear },
  };
}

async function score(backbone: Backbone, options: ProbeOptions, whose: string): Promise<Scores> {
  const { train, test, crop, fill, protocol, seed, signal, report = silent } = options;
  const classes = train.classes.length;
  const { batchSize } = paperLinearDefaults;
  const total = train.length + test.length;
  const features = (before: number): FeatureOptions => ({
    crop,
    fill,
    batchSize,
    signal,
    onProgress: ({ done }) =>
      report({ kind: "progress", what: `looking with ${whose}`, done: before + done, total }),
  });
  using known = await labelledFeatures(backbone, { dataset: train }, features(0));
  using asked = await labelledFeatures(backbone, { dataset: test }, features(train.length));
  if (protocol === "fast") return scoreFeatures(known, asked, classes, seed);
  const settings = { ...paperLinearDefaults, crop, fill, seed, signal };
  return {
    knn: knnTop1(known, asked, classes),
    linear: await paperLinear(backbone, train, test, settings, (event) => {
      if (event.kind === "log")
        report({
          kind: "progress",
          what: `classifier on ${whose}, epochs`,
          done: event.entry.epoch + 1,
          total: event.epochs,
        });
    }),
  };
}

function checkLabels(train: PackedDataset, test: PackedDataset): void {
  for (const [name, dataset] of Object.entries({ train, test })) {
    if (dataset.labels.some((label) => label < 0) || dataset.classes.length < 2) {
      throw new DataError(
        "no-labels",
        `Expected one folder per class, at least two, in the ${name} photos ${dataset.path}, got ${dataset.classes.length}.`,
      );
    }
  }
  if (train.classes.join("\n") !== test.classes.join("\n")) {
    throw new DataError(
      "other-classes",
      `Expected the same classes in both sets, got ${train.classes.join(", ")} in train and ${test.classes.join(", ")} in test.`,
    );
  }
}

/** Opens the two data sets of a `probe` command: two paths, or one folder with both splits. */
export async function openProbeData(
  paths: readonly string[],
  data: { crop: number; size: number | "auto"; cache?: string; signal?: AbortSignal; report?: Report },
): Promise<{ train: PackedDataset; test: PackedDataset }> {
  const { crop, size, cache, signal, report = silent } = data;
  let [train, test] = paths;
  if (test === undefined) {
    const splits = splitsOf(train);
    ({ train, test } = splits);
    const others = splits.others.length === 0 ? "" : `, not on ${splits.others.join(" or ")}`;
    report({ kind: "note", message: `scored on ${splits.chosen}${others}` });
  }
  const open = (path: string) => openPhotos(path, { crop, size, cache, signal, report });
  const opened = await open(train);
  try {
    return { train: opened, test: await open(test) };
  } catch (error) {
    opened.close();
    throw error;
  }
}
