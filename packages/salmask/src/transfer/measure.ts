/** Measures one cell: an encoder on a set, with a seed. */
import type { Report } from "../base/events.js";
import { hashOfFile } from "../base/files.js";
import { computeOf } from "../compute/compute.js";
import { withKnownLabels } from "../data/samples/few-labels.js";
import { labelBudget } from "../data/samples/label-budget.js";
import type { ClassificationScores } from "../metrics/classification.js";
import { weightsOf } from "../runs/run-weights.js";
import { type DetectionScores, evaluateDetector } from "../tasks/detect/evaluate.js";
import { type DetectConfig, detectSettings } from "../tasks/detect/settings.js";
import { trainDetector } from "../tasks/detect/train.js";
import { finetune } from "../tasks/finetune/finetune.js";
import { type FinetuneConfig, finetuneSettings } from "../tasks/finetune/settings.js";
import { checkLabels, openProbeData, scoreEncoder, untrainedLike } from "../tasks/probe/probe.js";
import { loadDetector } from "../weights/detector-files.js";
import { loadBackbone } from "../weights/files.js";
import { inputOf } from "../weights/metadata.js";
import { type Asked, askedSettings, type CellFolder, type CellOutcome } from "./cell-folder.js";
import type { DetectWork, FinetuneWork, ProbeWork, Scores } from "./columns.js";
import { type EncoderRow, networkOf, runOf } from "./encoders.js";
import type { Features } from "./features.js";
import type { ClassSet, ObjectSet } from "./sets.js";

interface OfRow {
  readonly row: EncoderRow;
  readonly seed: number;
}
interface ProbeCell extends OfRow {
  readonly kind: "probe";
  readonly set: ClassSet;
  readonly work: ProbeWork;
}
interface FinetuneCell extends OfRow {
  readonly kind: "finetune";
  readonly set: ClassSet;
  readonly work: FinetuneWork;
}
interface DetectCell extends OfRow {
  readonly kind: "detect";
  readonly set: ObjectSet;
  readonly work: DetectWork;
}
export type Cell = ProbeCell | FinetuneCell | DetectCell;

export interface MeasureOptions {
  readonly folder: CellFolder;
  readonly asked: Asked;
  readonly features: Features;
  /** Folder of the stored photos. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
  readonly report: Report;
}

/** What a cell's result depends on. Throws CheckpointError where its row has no run for the seed. */
export async function askedOf(cell: Cell): Promise<Asked> {
  const { row, seed, set } = cell;
  const encoder =
    row.start === "random" ? networkOf(row, seed) : await hashOfFile(weightsOf(runOf(row, seed)).path);
  const asked = { seed, encoder, ...(await set.identity(seed)) };
  switch (cell.kind) {
    case "probe":
      return { ...asked, ...cell.work };
    case "finetune":
      return { ...asked, kind: cell.kind, settings: askedSettings(finetuneSettings, finetuneOf(cell)) };
    case "detect":
      return { ...asked, kind: cell.kind, settings: askedSettings(detectSettings, detectOf(cell)) };
  }
}

export const finetuneOf = ({ set, row, seed, work }: FinetuneCell): FinetuneConfig => ({
  ...set.plan.finetune,
  seed,
  start: row.start,
  labels: work.labels,
});

export const detectOf = ({ set, row, seed }: DetectCell): DetectConfig => ({
  ...set.plan.detect,
  seed,
  start: row.start,
});

/**
 * Measures the cell and keeps the outcome in its folder. What is trained goes on from its newest checkpoint. Throws what the tasks
 * throw, and InterruptedError.
 */
export async function measure(cell: Cell, options: MeasureOptions): Promise<CellOutcome> {
  const { outcome, details } = await measured(cell, options);
  await options.folder.end(options.asked, outcome, details);
  return outcome;
}

interface Measured {
  readonly outcome: CellOutcome;
  /** All scores of the task. */
  readonly details: unknown;
}

function measured(cell: Cell, options: MeasureOptions): Promise<Measured> {
  switch (cell.kind) {
    case "probe":
      return probed(cell, options);
    case "finetune":
      return finetuned(cell, options);
    case "detect":
      return detected(cell, options);
  }
}

async function probed(
  { set, row, seed, work }: ProbeCell,
  { features, asked, cache, signal, report }: MeasureOptions,
): Promise<Measured> {
  const started = performance.now();
  const { backbone, metadata } = loadBackbone(weightsOf(runOf(row, seed)).path);
  using encoder = row.start === "random" ? untrainedLike(backbone, seed) : backbone;
  if (encoder !== backbone) backbone.dispose();
  const { crop, fill } = inputOf(metadata);
  const { options, skipBad } = set.plan;
  const how = {
    ...options,
    seed,
    skipBad,
    scored: set.scored,
    crop,
    size: "auto",
    cache,
    signal,
    report,
  } as const;
  const { train, test } = await openProbeData([set.path], how);
  try {
    checkLabels(train, test);
    const known = withKnownLabels(train.labels, train.classes.length, labelBudget(work.labels), seed);
    const identity = JSON.stringify(row.start === "random" ? [asked.encoder, seed] : asked.encoder);
    const { protocol } = work;
    const look = features.lookWith(identity);
    const given = { train, test, crop, fill, protocol, seed, signal, report, look };
    const scores = await scoreEncoder(encoder, known, given, row.name);
    return {
      outcome: {
        scores: { knn: scores.knn, ...ofClasses(scores.linear) },
        trainPhotos: known.length,
        scoredPhotos: test.length,
        seconds: (performance.now() - started) / 1000,
      },
      details: { ...scores, classes: train.classes },
    };
  } finally {
    train.close();
    test.close();
  }
}

async function finetuned(cell: FinetuneCell, options: MeasureOptions): Promise<Measured> {
  const { set, row, seed } = cell;
  const { folder, cache, signal, report } = options;
  const { skipBad } = set.plan;
  const config = finetuneOf(cell);
  const { trainPhotos, testPhotos, seconds, scores, classes } = await finetune({
    encoder: runOf(row, seed),
    photos: [set.path],
    set: { ...set.plan.options, skipBad, scored: set.scored },
    out: folder.run.path,
    config: { ...config, cache: config.cache ?? cache },
    resume: folder.run.hasCheckpoints,
    signal,
    report,
  });
  return {
    outcome: { scores: ofClasses(scores), trainPhotos, scoredPhotos: testPhotos, seconds },
    details: { ...scores, classes },
  };
}

const ofClasses = ({ top1, top5, meanPerClass }: ClassificationScores): Scores => ({
  top1,
  top5,
  meanPerClass,
});

async function detected(cell: DetectCell, { folder, signal, report }: MeasureOptions): Promise<Measured> {
  const { set, row, seed } = cell;
  const config = detectOf(cell);
  const trained = await trainDetector({
    encoder: runOf(row, seed),
    set: set.train,
    photos: set.path,
    out: folder.run.path,
    config,
    resume: folder.run.hasCheckpoints,
    signal,
    report,
  });
  const started = performance.now();
  const { detector } = loadDetector(trained.weights, computeOf(config));
  try {
    const scores = await evaluateDetector(detector, set.scored, {
      withMasks: config.detection.masks,
      signal,
      onProgress: ({ done, total }) => report({ kind: "progress", what: "looking for objects", done, total }),
    });
    return {
      outcome: {
        scores: ofObjects(scores),
        trainPhotos: trained.images,
        scoredPhotos: scores.photos,
        seconds: trained.seconds + (performance.now() - started) / 1000,
      },
      details: scores,
    };
  } finally {
    detector.dispose();
  }
}

function ofObjects({ boxes, masks, voc }: DetectionScores): Scores {
  const { ap, ap50, ap75 } = boxes.all;
  const { elevenPoints, area } = voc.all;
  return {
    ap,
    ap50,
    ap75,
    ...(masks === null ? {} : { maskAp: masks.all.ap, maskAp50: masks.all.ap50, maskAp75: masks.all.ap75 }),
    voc07Ap: elevenPoints.ap,
    voc07Ap50: elevenPoints.ap50,
    voc07Ap75: elevenPoints.ap75,
    vocAp50: area.ap50,
  };
}
