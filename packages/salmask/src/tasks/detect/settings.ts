/** How a detector is trained. The schedule's shape is MoCo's for VOC: a tenth of the rate at 3/4 and at 11/12 of the run. */
import { z } from "zod";
import { count, share } from "../../base/setting-types.js";
import { computeSettings } from "../../compute/settings.js";
import { type SettingsKind, settingsKind } from "../../config/settings-kind.js";
import { type DetectionSettings, detectionSettings } from "../../detection/settings.js";

const milestones = "shares of the run from 0 to 1, or steps from 2, as 0.75,0.9 or 18000,22000";
const auto = z.literal("auto");

const trainSchema = z
  .strictObject({
    epochs: z
      .union([auto, count(1)])
      .default("auto")
      .describe("passes over the photos; auto: 12 to 200, about 2000 steps"),
    steps: count(1).optional().describe("steps of the run, instead of train.epochs"),
    batchSize: count(1).default(4).describe("photos of a step"),
    groups: count(1)
      .default(1)
      .describe(
        "parts of a batch that are looked at one after another, with batch statistics of their own, as on as many processors; their gradients make one step (gradient accumulation)",
      ),
    lr: z
      .number()
      .positive()
      .optional()
      .describe("highest learning rate; default: 0.02 x batch / 16, MoCo's on VOC"),
    milestones: z
      .array(z.union([share(), count(2)]))
      .meta({ expected: milestones })
      .default([0.75, 0.917])
      .describe("shares of the run, or steps, after which the learning rate is a tenth of what it was"),
    warmupSteps: count(0).default(100).describe("steps in which the learning rate rises"),
    momentum: share().default(0.9).describe("momentum of SGD"),
    weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
    flipProbability: share().default(0.5).describe("share of photos that are mirrored"),
    preciseNorm: count(0)
      .default(0)
      .describe(
        "batches over which the norms' statistics are averaged anew after the last step; 0: they stay",
      ),
    checkpointEvery: count(1).default(1).describe("epochs between checkpoints"),
    keep: count(1).default(1).describe("checkpoints that are kept"),
    logEvery: count(1).default(10).describe("steps between lines of metrics"),
  })
  .superRefine(({ epochs, steps }, context) => {
    if (steps !== undefined && epochs !== "auto")
      context.addIssue({ code: "custom", path: ["epochs"], message: `auto beside train.steps ${steps}` });
  })
  .prefault({});

const usual = detectionSettings.unwrap().shape;
const ofPhotos = detectionSettings
  .unwrap()
  .extend({
    shortSides: z
      .union([auto, usual.shortSides.unwrap()])
      .default("auto")
      .describe(`${usual.shortSides.description}; auto: the photos' own, where 800 or less`),
    longSide: z
      .union([auto, usual.longSide.unwrap()])
      .default("auto")
      .describe(`${usual.longSide.description}; auto: by the photos' shapes`),
    anchorSizes: z
      .union([auto, usual.anchorSizes.unwrap()])
      .default("auto")
      .describe(`${usual.anchorSizes.description}; auto: by the objects' sizes`),
  })
  .prefault({});

const detectSchema = z.strictObject({
  seed: count(0, 2 ** 32 - 1)
    .default(0)
    .describe("names every random decision of the run"),
  ...computeSettings,
  start: z
    .enum(["encoder", "random"])
    .default("encoder")
    .describe("the encoder's weights that training starts from; random: untrained ones, to compare with"),
  filter: z
    .enum(["auto", "none"])
    .default("auto")
    .describe(
      "fixed first layer; auto: the high-pass filter that the encoder saw photos through, where it had one",
    ),
  train: trainSchema,
  detection: ofPhotos,
});

/** Settings of training a detector; `auto` is chosen by the photos. */
export interface DetectConfig extends z.infer<typeof detectSchema> {}

/** With all that the photos decide. */
export type ChosenDetectConfig = Omit<DetectConfig, "detection"> & { detection: DetectionSettings };

/** The settings of training a detector, for {@link loadSettings}. */
export const detectSettings: SettingsKind<DetectConfig> = settingsKind("detect", detectSchema, {
  version: 1,
  migrations: {},
});
