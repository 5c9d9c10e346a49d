/** What a transfer plan's file may say, before folders and settings are looked at. */
import { z } from "zod";
import { difficulties } from "../data/embedded/settings.js";
import { isLabelBudget, labelBudgetForm } from "../data/samples/label-budget.js";
import { measures } from "./measures.js";

const measuresSchema = z.array(z.enum(measures)).min(1);

const labelsSchema = z
  .array(
    z
      .union([z.string(), z.int()])
      .transform(String)
      .refine(isLabelBudget, { message: `expected ${labelBudgetForm}` }),
  )
  .min(1);

const seedsSchema = z.array(z.int().min(0)).min(1);
const protocolSchema = z.enum(["fast", "paper"]);

/** Settings by name, dotted or in groups; what they may be is checked by their own schema. */
const settingsSchema = z.record(z.string(), z.unknown());

const embeddedSchema = z.strictObject({
  objects: z.boolean().default(false).describe("several objects per picture, for detection"),
  train: z.int().min(1).optional(),
  test: z.int().min(1).optional(),
  size: z.int().min(32).max(512).optional(),
  classes: z.int().min(2).optional(),
  difficulty: z.enum(difficulties).optional(),
});

const partsSchema = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((parts) => (typeof parts === "string" ? [parts] : parts));

const setSchema = z.strictObject({
  name: z.string().min(1),
  photos: z
    .union([z.string(), z.strictObject({ embedded: embeddedSchema })])
    .optional()
    .describe("its folder, by path from this file, or the embedded set; or given as --to NAME=DIR"),
  is: z.string().optional().describe("which set the folder must hold, as salmask data check --json names it"),
  measures: measuresSchema.optional(),
  labels: labelsSchema.optional(),
  protocol: protocolSchema.optional(),
  accuracy: z
    .enum(["top-1", "mean-per-class"])
    .default("top-1")
    .describe("of linear and finetune, what the table shows"),
  train: partsSchema
    .optional()
    .describe("of sets with objects: the parts to learn from, by the set's own names"),
  scored: partsSchema
    .optional()
    .describe("the parts to be scored on; of sets with classes: test or validation"),
  heldOut: z.number().gt(0).lt(1).optional(),
  perClass: z.int().min(1).optional(),
  fold: z.int().min(0).max(9).optional(),
  subset: z.literal("imagenet-100").optional(),
  skipBad: z.boolean().default(false),
  finetune: settingsSchema.default({}),
  detect: settingsSchema.default({}),
  reference: z
    .record(z.string(), z.record(z.string(), z.number()))
    .default({})
    .describe("numbers from elsewhere in percent, by column and row"),
});

export type SetEntry = z.infer<typeof setSchema>;

/** What an experiment's file may say too, below `transfer`. */
export const sectionSchema = z.strictObject({
  measures: measuresSchema.optional(),
  labels: labelsSchema.default(["all"]),
  protocol: protocolSchema.default("fast").describe("of linear"),
  random: z.boolean().default(true).describe("beside random initialisation"),
  finetune: settingsSchema.default({}).describe("settings of fine-tuning on every set"),
  detect: settingsSchema.default({}).describe("settings of detection on every set"),
  sets: z.array(setSchema).default([]),
});

export type Section = z.infer<typeof sectionSchema>;

export const planSchema = sectionSchema.extend({
  name: z.string().min(1).default("Transfer"),
  reference: z
    .string()
    .min(1)
    .default("reference")
    .describe("what reference numbers are called, such as paper"),
  seeds: seedsSchema.default([0, 1, 2]),
  runs: z
    .array(z.strictObject({ name: z.string().min(1), run: z.string().min(1) }))
    .default([])
    .describe("runs' folders, weights, or folders with seed-0, seed-1, ... in them, by path from this file"),
});

export type PlanFile = z.infer<typeof planSchema>;
