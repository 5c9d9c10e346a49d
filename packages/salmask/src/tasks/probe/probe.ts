/**
 * Measures what an encoder has learned: kNN and linear classification of labelled photos, compared with an untrained
 * encoder.
 */
import { Generator, KeyedRandom } from "@salmask/torch";
import { DataError, UsageError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { withKnownLabels } from "../../data/samples/few-labels.js";
import type { LabelBudget } from "../../data/samples/label-budget.js";
import type { LabelledSet, SetOptions } from "../../data/sets/data-set.js";
import { openSet } from "../../data/sets/registry.js";
import type { ImageSource } from "../../data/sources/image-source.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { openPhotos } from "../../data/store/open-photos.js";
import type { Fill } from "../../masking/fills/fill.js";
import type { ClassificationScores } from "../../metrics/classification.js";
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

/** What {@link probe} scores, and on what. */
export interface ProbeOptions {
  readonly backbone: Backbone;
  /** The same network after earlier epochs: scores are means over all. None where it is not given. */
  readonly earlier?: readonly Backbone[];
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
  /** How many of the training photos' labels are known; all where it is not given. */
  readonly labels?: LabelBudget;
  /** Aborting ends the probe with InterruptedError. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Top-1 accuracies, 0 to 1, means over the encoders of the last epochs. */
export interface ProbeResult {
  /** Training photos whose labels were known. */
  trainPhotos: number;
  testPhotos: number;
  protocol: LinearProtocol;
  /** Names of the classes, in the order of their scores. */
  classes: string[];
  knn: { top1: number; randomTop1: number };
  linear: { top1: number; randomTop1: number };
  /** Of the linear classifier on the last encoder: in the first five, per class, and what was taken for what. */
  linearScores: ClassificationScores;
  /** Epochs at the end of training whose encoders were scored. */
  lastEpochs: number;
}

/** Scores an encoder, or its last epochs, and one of the same shape with new random weights, with the same protocol. */
export async function probe(options: ProbeOptions): Promise<ProbeResult> {
  const { backbone, earlier = [], train, test, protocol, seed, report = silent } = options;
  checkLabels(train, test);
  using untrained = untrainedLike(backbone, seed);
  const { labels = { kind: "all" } } = options;
  const known = withKnownLabels(train.labels, train.classes.length, labels, seed);
  report({ kind: "note", message: `probing on ${known.length} photos, scored on ${test.length}` });
  const trained = await scoreEncoder(backbone, known, options, "the encoder");
  const all = [trained];
  for (const [i, before] of earlier.entries())
    all.push(await scoreEncoder(before, known, options, `encoder ${i + 2} of ${earlier.length + 1}`));
  const mean = (of: (scores: Scores) => number) =>
    all.reduce((sum, scores) => sum + of(scores), 0) / all.length;
  const random = await scoreEncoder(untrained, known, options, "an untrained one");
  return {
    trainPhotos: known.length,
    testPhotos: test.length,
    protocol,
    classes: [...train.classes],
    knn: { top1: mean(({ knn }) => knn), randomTop1: random.knn },
    linear: { top1: mean(({ linear }) => linear.top1), randomTop1: random.linear.top1 },
    linearScores: trained.linear,
    lastEpochs: all.length,
  };
}

/** A network of the same shape with new random weights, which the seed draws. */
export function untrainedLike({ spec }: Pick<Backbone, "spec">, seed: number): Backbone {
  return createBackbone(spec, new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32()));
}

/** What scoring one encoder needs. */
export type ScoreOptions = Omit<ProbeOptions, "backbone" | "earlier" | "labels"> & {
  /** Gives the features of photos; computes them where it is not given. */
  readonly look?: typeof labelledFeatures;
};

/**
 * Scores one encoder, which learns from the training photos `known`. `whose` names it in progress. Throws InterruptedError.
 */
export async function scoreEncoder(
  backbone: Backbone,
  known: Int32Array,
  options: ScoreOptions,
  whose: string,
): Promise<Scores> {
  const { train, test, crop, fill, protocol, seed, signal, report = silent } = options;
  const { look = labelledFeatures } = options;
  const classes = train.classes.length;
  const { batchSize } = paperLinearDefaults;
  const total = known.length + test.length;
  const features = (before: number): FeatureOptions => ({
    crop,
    fill,
    batchSize,
    signal,
    onProgress: ({ done }) =>
      report({ kind: "progress", what: `looking with ${whose}`, done: before + done, total }),
  });
  using learned = await look(backbone, { dataset: train, ids: known }, features(0));
  using asked = await look(backbone, { dataset: test }, features(known.length));
  if (protocol === "fast") return scoreFeatures(learned, asked, classes, seed);
  const settings = { ...paperLinearDefaults, known, crop, fill, seed, signal };
  return {
    knn: knnTop1(learned, asked, classes),
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

/** Throws {@link DataError} where photos have no labels, or the two sets have other classes. */
export function checkLabels(train: PackedDataset, test: PackedDataset): void {
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

/** How labelled photos are split, stored and read for a probe. */
export interface OpenProbeData extends Partial<SetOptions> {
  readonly crop: number;
  readonly size: number | "auto";
  readonly cache?: string;
  /** Leaves out what is wrong with a data set, and says how much; otherwise such a set is refused. Default false. */
  readonly skipBad?: boolean;
  /** The split to be scored on; default: test, or where there is none validation. */
  readonly scored?: HeldOutSplit;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** The splits that are scored on, the usual one first. */
export const heldOutSplits = ["test", "validation"] as const;
export type HeldOutSplit = (typeof heldOutSplits)[number];

/** The two sets that a `probe` command was given: two paths, or one of a data set that has a split, or can be split. */
export async function openProbeData(
  paths: readonly string[],
  data: OpenProbeData,
): Promise<{ train: PackedDataset; test: PackedDataset }> {
  const { crop, size, cache, signal, report } = data;
  const [train, test] = paths.length === 1 ? await splitsOf(paths[0], data) : paths;
  const open = (from: string | ImageSource) => openPhotos(from, { crop, size, cache, signal, report });
  const opened = await open(train);
  try {
    return { train: opened, test: await open(test) };
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** The photos of a data set to learn from and to be scored on, not decoded yet. */
export async function splitsOf(
  path: string,
  data: Omit<OpenProbeData, "crop" | "size" | "cache" | "signal">,
): Promise<[ImageSource, ImageSource]> {
  const { report = silent, skipBad = false } = data;
  const { set, faults } = await openSet(path, data).catch((error: unknown) => {
    const isNone = error instanceof DataError && ["missing-set", "unknown-set"].includes(error.code);
    throw isNone ? noSplits(path, "none of them", error) : error;
  });
  if (set.kind === "annotated") throw noSplits(path, `${set.title}, whose photos have objects, not classes`);
  const chosen = scoredSplit(set, path, data.scored);
  if (skipBad && faults.total > 0) {
    report({
      kind: "warning",
      code: "skipped",
      message: `left out what is wrong: ${faults.summary()}`,
    });
  }
  report({ kind: "note", message: scoredOn(set, chosen) });
  return [set.source("train"), set.source(chosen)];
}

/**
 * The split that is scored on: the wanted one, else the test split, or where there is none the validation split. Throws
 * {@link UsageError} `no-splits` where a set has no such split, or none to learn from.
 */
export function scoredSplit(set: LabelledSet, path: string, wanted?: HeldOutSplit): HeldOutSplit {
  const heldOut = heldOutSplits.filter((split) => set.splits[split] !== undefined);
  const chosen = wanted === undefined ? heldOut[0] : heldOut.find((split) => split === wanted);
  if (set.splits.train !== undefined && chosen !== undefined) return chosen;
  const there = Object.values(set.diskNames).join(" and ");
  throw noSplits(path, there === "" ? "none of them" : there);
}

function scoredOn({ diskNames, splits, unused, notes }: LabelledSet, chosen: HeldOutSplit): string {
  const rest = heldOutSplits.filter((split) => split !== chosen && splits[split] !== undefined);
  const others = [...rest.map((split) => diskNames[split] ?? split), ...unused];
  const instead = others.length === 0 ? "" : `, not on ${others.join(" or ")}`;
  return `scored on ${diskNames[chosen] ?? chosen}${instead}${notes.map((note) => `; ${note}`).join("")}`;
}

function noSplits(path: string, got: string, cause?: unknown): UsageError {
  return new UsageError(
    "no-splits",
    `Expected a labelled data set or a folder with train and test or val or valid or validation in ${path}, got ${got}. ` +
      "Name the two folders of photos instead.",
    cause,
  );
}
