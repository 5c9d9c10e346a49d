/** What a run says of itself at its end, and how it was scored: one schema per kind. Shares are 0 to 1. */
import { z } from "zod";

/** A score beside that of the same network with fresh weights. */
const scoreSchema = z.object({ top1: z.number(), randomTop1: z.number() });

export const probeRecordSchema = z.object({
  /** Folders of the labelled photos. */
  photos: z.array(z.string()),
  protocol: z.enum(["fast", "paper"]),
  seed: z.int(),
  trainPhotos: z.int(),
  testPhotos: z.int(),
  knn: scoreSchema,
  linear: scoreSchema,
});

/** How an encoder was probed, and how it did. */
export type ProbeRecord = z.infer<typeof probeRecordSchema>;

/** Releases of before did not say which photos it was. */
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
  /** Steps that the last process did; fewer than `steps` after a resumption. */
  stepsHere: z.int(),
  /** Of all processes that had a part in the run, the opening of the data included. */
  seconds: z.number(),
  /** Of the last step. */
  loss: z.number().nullable(),
  contrastAccuracy: z.number().nullable(),
  weights: z.string(),
  checkpoint: z.string().nullable(),
  /** How the encoder compares with an untrained one, where the photos' folder has classes. */
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

/** Releases of before did not say which kind it is: the demo's is the one with scores. */
const withKind = (value: unknown) =>
  typeof value === "object" && value !== null && !("kind" in value)
    ? { kind: "knn" in value ? "demo" : "pretrain", ...value }
    : value;

export const summarySchema = z.preprocess(
  withKind,
  z.discriminatedUnion("kind", [pretrainSummarySchema, demoSummarySchema]),
);

export type PretrainSummary = z.infer<typeof pretrainSummarySchema>;
export type DemoSummary = z.infer<typeof demoSummarySchema>;
export type Summary = PretrainSummary | DemoSummary;
