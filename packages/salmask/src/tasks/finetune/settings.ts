/** How an encoder is fine-tuned to classify photos. */
import { z } from "zod";
import { count, range, share } from "../../base/setting-types.js";
import { computeSettings } from "../../compute/settings.js";
import { type SettingsKind, settingsKind } from "../../config/settings-kind.js";
import { isLabelBudget, labelBudgetForm } from "../../data/samples/label-budget.js";

const fields = z.strictObject({
  seed: count(0, 2 ** 32 - 1)
    .default(0)
    .describe("names every random decision of the run"),
  ...computeSettings,
  start: z
    .enum(["encoder", "random"])
    .default("encoder")
    .describe("the weights that training starts from; random: the same network untrained, to compare with"),
  labels: z
    .string()
    .refine(isLabelBudget, labelBudgetForm)
    .default("all")
    .describe(`labels that are known: ${labelBudgetForm}`),
  crop: z
    .union([z.literal("auto"), count(8, 1024)])
    .default("auto")
    .describe("side of a view in pixels; auto: as the encoder was trained"),
  cache: z.string().optional().describe("folder of the stored photos, shared by runs"),
  epochs: z
    .union([z.literal("auto"), count(1)])
    .default("auto")
    .describe("passes over the labelled photos; auto: 20 to 200, about 1000 steps"),
  batchSize: count(2).default(64).describe("photos of a step"),
  accumulate: count(1)
    .default(1)
    .describe(
      "micro-batches that a batch is learned from, one after another, in less memory; their gradients make one step",
    ),
  lr: z.number().positive().default(0.02).describe("highest learning rate; it falls along a cosine"),
  lrWarmupEpochs: count(0).default(1).describe("epochs in which the learning rate rises"),
  momentum: share().default(0.9).describe("momentum of SGD"),
  weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
  scale: range(0, 1).default([0.2, 1]).describe("share of a photo's area that a crop covers in training"),
  checkpointEvery: count(1).default(5).describe("epochs between checkpoints"),
  keep: count(1).default(1).describe("checkpoints that are kept"),
  logEvery: count(1).default(10).describe("steps between lines of metrics"),
});

const finetuneSchema = fields.superRefine(({ batchSize, accumulate }, context) => {
  if (accumulate > 1 && batchSize < 2 * accumulate)
    context.addIssue({
      code: "custom",
      path: ["accumulate"],
      message: `at most half of batchSize, ${batchSize}`,
    });
});

/** Settings of fine-tuning, complete. */
export interface FinetuneConfig extends z.infer<typeof finetuneSchema> {}

/** The settings of fine-tuning, for {@link loadSettings}. */
export const finetuneSettings: SettingsKind<FinetuneConfig> = settingsKind("finetune", finetuneSchema, {
  version: 1,
  migrations: {},
});
