/** Settings for where the object is. */
import { z } from "zod";
import { count, type ReadOnly, share } from "../base/setting-types.js";

/** Sources that need neither weights nor a run. */
export const runlessSources = [
  "spectral-residual",
  "minimum-barrier",
  "background-detection",
  "manifold-ranking",
  "cellular-automaton",
  "consensus",
  "centre",
  "uniform",
] as const;
export type RunlessSource = (typeof runlessSources)[number];

const thresholdSettings = z
  .strictObject({
    /**
     * `deviations`: at least `mean - k * std` of the crop's own cells (the paper, k = 0.6). `mean`: at least the mean.
     * `otsu`: the split with the largest variance between both sides (Otsu 1979). `top-share`: that share of the cells.
     */
    rule: z
      .enum(["deviations", "mean", "otsu", "top-share"])
      .default("otsu")
      .describe("rule that separates object and background; the paper's is deviations"),
    /** Negative values give a threshold above the mean. */
    deviations: z
      .number()
      .default(0.6)
      .describe("k of deviations: the object is at least the mean minus k standard deviations"),
    share: share().default(0.5).describe("for top-share: the object's share of the cells"),
    /** `largest` keeps only the largest part connected by edges or corners, as in the original SCDA. */
    component: z
      .enum(["all", "largest"])
      .default("all")
      .describe("parts of the object to keep; largest: only the largest connected part"),
  })
  .prefault({});

/** The rule that separates object and background, with its parameters. */
export type ThresholdOptions = ReadOnly<z.infer<typeof thresholdSettings>>;

/** The threshold that is used where none is given. */
export const usualThreshold: ThresholdOptions = thresholdSettings.parse({});

/** The threshold of the paper, section 3.2. */
export const paperThreshold: ThresholdOptions = { ...usualThreshold, rule: "deviations", deviations: 0.6 };

export const saliencySettings = z
  .strictObject({
    source: z
      .enum(["scda", "own", ...runlessSources, "onnx", "maps"])
      .default("scda")
      .describe(
        "source of saliency maps: a frozen network (scda), the run's own encoder, a formula, a network in an ONNX file (onnx), maps in files (maps), or a control (centre, uniform)",
      ),
    maps: z
      .string()
      .optional()
      .describe("for maps: a folder with NAME.png for each photo NAME, brighter on the object"),
    truth: z
      .string()
      .optional()
      .describe(
        "a folder with NAME.png for each photo NAME, white on its object, to log how well saliency finds it",
      ),
    shuffled: z
      .boolean()
      .default(false)
      .describe("true: a control that gives each photo another photo's map"),
    rowSorted: z
      .boolean()
      .default(false)
      .describe(
        "true: a control that moves the object's cells of each row to its right end, an error in the released code",
      ),
    weights: z
      .string()
      .optional()
      .describe(
        "for scda: safetensors of the network; default: the localization network in this package; for onnx: the ONNX file",
      ),
    warmupEpochs: count(0).default(5).describe("for own: unmasked epochs before the encoder is frozen"),
    refreshEvery: count(1)
      .optional()
      .describe("for own: epochs between frozen copies of the encoder; default: a single copy"),
    threshold: thresholdSettings,
    scope: z
      .enum(["crop", "photo"])
      .default("photo")
      .describe(
        "photo: one map per photo, computed once and cropped like its views; crop: a map of each crop in each step, as in the paper",
      ),
  })
  .prefault({});

/** Where saliency comes from, and which cells count as object. */
export interface SaliencySettings extends z.infer<typeof saliencySettings> {}
