/** The summary of a run at its end, and the records of its probes: one schema per kind. Shares are 0 to 1. */
import { z } from "zod";
import { usualLastEpochs } from "./last-epochs.js";

/** A score, with the score of the same network with new random weights. */
const scoreSchema = z.object({ top1: z.number(), randomTop1: z.number() });

/** How photos were sorted into classes; `ClassificationScores` says what each is. */
const classificationSchema = z.object({
  top1: z.number(),
  top5: z.number().nullable(),
  meanPerClass: z.number(),
  perClass: z.array(z.number().nullable()),
  confusion: z.array(z.array(z.int())),
});

export const probeRecordSchema = z.object({
  /** Folders of the labelled photos. */
  photos: z.array(z.string()),
  protocol: z.enum(["fast", "paper"]),
  seed: z.int(),
  trainPhotos: z.int(),
  testPhotos: z.int(),
  /** Empty in records of before they were written down. */
  classes: z.array(z.string()).default([]),
  knn: scoreSchema,
  linear: scoreSchema,
  /** Labels that were known: all, a share such as 10%, or a number per class. */
  labels: z.string().default("all"),
  /** Share of each class to be scored on where the photos have no split; null in records of before it was written down. */
  heldOut: z.number().nullable().default(null),
  /** Of the linear classifier on the encoder; null in records of before it was written down. */
  linearScores: classificationSchema.nullable().default(null),
  /** Epochs at the end of training over whose encoders the scores are means. */
  lastEpochs: z.int().default(usualLastEpochs),
});

/** How an encoder was probed, and the result. */
export interface ProbeRecord extends z.infer<typeof probeRecordSchema> {}

/** Earlier releases did not record the photos. */
export const earlierProbeSchema = probeRecordSchema.extend({
  photos: z.array(z.string()).default([]),
  seed: z.int().default(0),
});

const pretrainSummarySchema = z.object({
  kind: z.literal("pretrain"),
  run: z.string(),
  photos: z.string(),
  images: z.int(),
  skipped: z.int(),
  epochs: z.int(),
  steps: z.int(),
  /** Steps of the last process; fewer than `steps` after a resumption. */
  stepsHere: z.int(),
  /** Of all processes of the run, including the time to open the data. */
  seconds: z.number(),
  /** Loss of the last step. */
  loss: z.number().nullable(),
  contrastAccuracy: z.number().nullable(),
  weights: z.string(),
  checkpoint: z.string().nullable(),
  /** The encoder compared with an untrained one, if the photos' folder has classes. */
  classes: z
    .object({ photos: z.int(), scored: z.int(), knn: scoreSchema, linear: scoreSchema })
    .nullable()
    .default(null),
});

const demoSummarySchema = z.object({
  kind: z.literal("demo"),
  weights: z.string(),
  views: z.string(),
  photos: z.int(),
  epochs: z.int(),
  seconds: z.number(),
  trainPhotos: z.int(),
  testPhotos: z.int(),
  knn: scoreSchema,
  linear: scoreSchema,
});

const finetuneSummarySchema = z.object({
  kind: z.literal("finetune"),
  run: z.string(),
  /** The run or the weights that training started from. */
  encoder: z.string(),
  start: z.enum(["encoder", "random"]),
  photos: z.array(z.string()),
  /** Photos whose labels were known. */
  trainPhotos: z.int(),
  testPhotos: z.int(),
  classes: z.array(z.string()),
  epochs: z.int(),
  steps: z.int(),
  seconds: z.number(),
  weights: z.string(),
  /** On the photos that were not trained on, after the last epoch. */
  scores: classificationSchema,
});

const detectSummarySchema = z.object({
  kind: z.literal("detect"),
  run: z.string(),
  encoder: z.string(),
  start: z.enum(["encoder", "random"]),
  photos: z.string(),
  images: z.int(),
  objects: z.int(),
  categories: z.array(z.string()),
  epochs: z.int(),
  steps: z.int(),
  seconds: z.number(),
  /** Of the last step, all parts together. */
  loss: z.number().nullable(),
  weights: z.string(),
});

/** Releases of before did not say which kind it is: the demo's is the one with scores. */
const withKind = (value: unknown) =>
  typeof value === "object" && value !== null && !("kind" in value)
    ? { kind: "knn" in value ? "demo" : "pretrain", ...value }
    : value;

export const summarySchema = z.preprocess(
  withKind,
  z.discriminatedUnion("kind", [
    pretrainSummarySchema,
    demoSummarySchema,
    finetuneSummarySchema,
    detectSummarySchema,
  ]),
);

/** How a pre-training ended. */
export interface PretrainSummary extends z.infer<typeof pretrainSummarySchema> {}
/** How the demo ended. */
export interface DemoSummary extends z.infer<typeof demoSummarySchema> {}
/** How a fine-tuning ended. */
export interface FinetuneSummary extends z.infer<typeof finetuneSummarySchema> {}
/** How a detector's training ended. */
export interface DetectSummary extends z.infer<typeof detectSummarySchema> {}
/** How a run of any kind ended: the content of its `summary.json`. */
export type Summary = PretrainSummary | DemoSummary | FinetuneSummary | DetectSummary;
