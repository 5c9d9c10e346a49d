/** The whole configuration of a run: the settings of all modules, and the conditions between them. */
import { z } from "zod";
import { count } from "../base/setting-types.js";
import { computeSettings } from "../compute/settings.js";
import { dataSettings } from "../data/settings.js";
import { maskSettings } from "../masking/settings.js";
import { isTransformer, modelSettings } from "../models/settings.js";
import { paperThreshold, saliencySettings } from "../saliency/settings.js";
import { occlusionSettings } from "../ssl/occlusion/settings.js";
import { methodSettings, withoutHardNegatives } from "../ssl/settings.js";
import { trainSettings } from "../training/settings.js";
import { secondViewSettings, viewSettings } from "../views/settings.js";
import { refusedAccumulation } from "./accumulation.js";
import { type SettingsKind, settingsKind } from "./settings-kind.js";
import { isTree, type Tree, valueAt, withValue } from "./tree.js";

const settings = z
  .strictObject({
    seed: count(0, 2 ** 32 - 1)
      .default(0)
      .describe("seed of every random decision of the run"),
    ...computeSettings,
    data: dataSettings,
    model: modelSettings,
    method: methodSettings,
    occlusion: occlusionSettings,
    augment: viewSettings,
    augmentSecond: secondViewSettings,
    mask: maskSettings,
    saliency: saliencySettings,
    train: trainSettings,
  })
  .superRefine(({ data, model, occlusion, mask, saliency, method, train }, context) => {
    const refuse = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    if (occlusion.name !== "none" && mask.fill !== "none")
      refuse(["mask", "fill"], `none beside occlusion.name ${occlusion.name}, which masks the query itself`);
    if (mask.odds !== undefined && mask.foregroundShare !== undefined)
      refuse(["mask", "odds"], "either mask.odds or mask.foregroundShare, as both divide the masked cells");
    const { what = "object", of } = mask.negative;
    if (what !== "object" && mask.cells === "random")
      refuse(["mask", "negative", "what"], "object where mask.cells is random, which knows no background");
    for (const key of ["odds", "foregroundShare"] as const)
      if (mask[key] !== undefined && mask.cells === "random")
        refuse(["mask", key], "none where mask.cells is random, which knows no object");
    if (mask.fill === "other-photo" && (mask.branch === "key" || mask.branch === "both"))
      refuse(["mask", "branch"], "query where mask.fill is other-photo, because a key shows one photo alone");
    if (mask.fill === "other-photo" && mask.negative.count > 0 && of === "shared")
      refuse(
        ["mask", "negative", "of"],
        "own where mask.fill is other-photo, which needs more than one photo",
      );
    if (mask.grid !== undefined && data.crop % mask.grid !== 0)
      refuse(["mask", "grid"], `a divisor of data.crop, ${data.crop}`);
    if (mask.grid !== undefined && mask.fill === "hidden")
      refuse(["mask", "grid"], "none beside mask.fill hidden, whose cells are the transformer's patches");
    if (mask.fill === "hidden" && !isTransformer(model.arch))
      refuse(["mask", "fill"], `another beside model.arch ${model.arch}, which sees every pixel`);
    if (train.lrWarmupEpochs !== undefined && train.lrWarmupEpochs >= train.epochs)
      refuse(["train", "lrWarmupEpochs"], `fewer than train.epochs, ${train.epochs}`);
    if (train.validate !== undefined && train.knnEvery === 0)
      refuse(["train", "knnEvery"], "1 or more beside train.validate, which is for kNN scores alone");
    if (mask.negative.count > 0 && withoutHardNegatives(method.name))
      refuse(
        ["mask", "negative", "count"],
        `0 beside method.name ${method.name}, which has no place for hard negatives`,
      );
    const accumulation = refusedAccumulation({ method, occlusion, mask, saliency, train });
    if (accumulation !== null) refuse(["train", "accumulate"], accumulation);
    // Batch norm needs at least two photos per group.
    const together = train.batchSize / train.accumulate;
    const parts = train.accumulate === 1 ? "train.batchSize" : "train.batchSize / train.accumulate";
    if (method.name === "mocov2" && together < 2 * method.groups)
      refuse(["method", "groups"], `at most half of ${parts}, ${together}`);
  });

const schema = z.preprocess(withUsualNegatives, settings);

/** The complete settings of a run. `salmask pretrain --help` describes each. */
export interface RunConfig extends z.infer<typeof schema> {}

/** The settings of a run, with defaults. Methods that have no place for hard negatives have none by default. */
export const configSchema: z.ZodType<RunConfig> = schema;

function withUsualNegatives(given: unknown): unknown {
  if (!isTree(given) || !withoutHardNegatives(valueAt(given, "method.name"))) return given;
  const groups = [valueAt(given, "mask"), valueAt(given, "mask.negative")];
  const canHold = groups.every((group) => group === undefined || isTree(group));
  const isOpen = valueAt(given, "mask.negative.count") === undefined;
  return canHold && isOpen ? withValue(given, "mask.negative.count", 0) : given;
}

/** Up to version 2 the rule that is left out is the paper's. */
function withPaperRule(given: Tree): Tree {
  const rule = "saliency.threshold.rule";
  return valueAt(given, rule) === undefined ? withValue(given, rule, paperThreshold.rule) : given;
}

/**
 * Settings of pre-training. Version 1 has no version in its files, and the names of version 2. Version 3 has another rule for the
 * threshold where none is given.
 */
export const pretrainSettings: SettingsKind<RunConfig> = settingsKind("pretrain", configSchema, {
  version: 3,
  migrations: { 1: [], 2: withPaperRule },
});
