/** How a detector is trained. The schedule's shape is MoCo's for VOC: a tenth of the rate at 3/4 and at 11/12 of the run. */
import { z } from "zod";
import { count, share } from "../../base/setting-types.js";
import { computeSettings } from "../../compute/settings.js";
import { type SettingsKind, settingsKind } from "../../config/settings-kind.js";
import { detectionSettings } from "../../detection/settings.js";

const shares = "shares of the run from 0 to 1, as 0.75,0.9";

const trainSchema = z
  .strictObject({
    epochs: count(1).default(12).describe("passes over the photos"),
    batchSize: count(1).default(4).describe("photos of a step"),
    lr: z
      .number()
      .positive()
      .optional()
      .describe("highest learning rate; default: 0.02 x batch / 16, MoCo's on VOC"),
    milestones: z
      .array(share())
      .meta({ expected: shares })
      .default([0.75, 0.917])
      .describe("shares of the run after which the learning rate is a tenth of what it was"),
    warmupSteps: count(0).default(100).describe("steps in which the learning rate rises"),
    momentum: share().default(0.9).describe("momentum of SGD"),
    weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
    flipProbability: share().default(0.5).describe("share of photos that are mirrored"),
    checkpointEvery: count(1).default(1).describe("epochs between checkpoints"),
    keep: count(1).default(1).describe("checkpoints that are kept"),
    logEvery: count(1).default(10).describe("steps between lines of metrics"),
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
  detection: detectionSettings,
});

/** Settings of training a detector, complete. */
export type DetectConfig = z.infer<typeof detectSchema>;

export const detectSettings: SettingsKind<DetectConfig> = settingsKind("detect", detectSchema, {
  version: 1,
  migrations: {},
});
