/** Strengths and probabilities of the augmentations. The defaults are MoCo v2's, as in the paper and its released code. */
import { z } from "zod";
import { type ReadOnly, range, share } from "../base/setting-types.js";

const view = z.strictObject({
  scale: range(0, 1).default([0.2, 1]).describe("share of a photo's area that a crop covers"),
  /** The logarithm is drawn uniformly. */
  ratio: range(0.01, 100)
    .default([3 / 4, 4 / 3])
    .describe("aspect ratio of a crop, width / height"),
  flipProbability: share().default(0.5).describe("share of views that are flipped"),
  jitterProbability: share().default(0.8).describe("share of views with changed colours"),
  /** A factor in [max(0, 1 - x), 1 + x]; the same for contrast and saturation. */
  brightness: share().default(0.4).describe("largest change of brightness"),
  contrast: share().default(0.4).describe("largest change of contrast"),
  saturation: share().default(0.4).describe("largest change of saturation"),
  /** A shift in [-x, x] turns of the colour circle. */
  hue: z.number().min(0).max(0.5).default(0.1).describe("largest shift of hue, in turns"),
  grayscaleProbability: share().default(0.2).describe("share of grey views"),
  blurProbability: share().default(0.5).describe("share of blurred views"),
  blurSigma: range(0, 100)
    .default([0.1, 2])
    .describe("standard deviation of the blur in pixels of a 224-pixel crop"),
  solarizeProbability: share().default(0).describe("share of views whose bright values are inverted"),
});

export const viewSettings = view.prefault({});

const { shape } = view;

/** A setting of the second view; without a value it is the first view's. */
const another = <T extends z.ZodType>(setting: z.ZodDefault<T>) =>
  setting
    .unwrap()
    .optional()
    .describe(`the second view's, if it differs: ${z.globalRegistry.get(setting)?.description}`);

/** What is different in the second of two views: BYOL and others blur and solarize the two differently. */
export const secondViewSettings = z
  .strictObject({
    scale: another(shape.scale),
    ratio: another(shape.ratio),
    flipProbability: another(shape.flipProbability),
    jitterProbability: another(shape.jitterProbability),
    brightness: another(shape.brightness),
    contrast: another(shape.contrast),
    saturation: another(shape.saturation),
    hue: another(shape.hue),
    grayscaleProbability: another(shape.grayscaleProbability),
    blurProbability: another(shape.blurProbability),
    blurSigma: another(shape.blurSigma),
    solarizeProbability: another(shape.solarizeProbability),
  })
  .prefault({});

/** The settings of the second view that differ from the first's. */
export interface ViewDifferences extends ReadOnly<z.infer<typeof secondViewSettings>> {}

/** The augmentation of one view. */
export interface ViewOptions extends ReadOnly<z.infer<typeof viewSettings>> {}

/** MoCo v2's augmentation, as in the paper and its released code. */
export const MOCO_V2_VIEW: ViewOptions = viewSettings.parse({});

/** Crops and mirror images, nothing that changes colours: how classifiers are trained, the paper's linear probe among them. */
export const cropsAndMirrors: ViewOptions = {
  scale: [0.08, 1],
  ratio: [3 / 4, 4 / 3],
  flipProbability: 0.5,
  jitterProbability: 0,
  brightness: 0,
  contrast: 0,
  saturation: 0,
  hue: 0,
  grayscaleProbability: 0,
  blurProbability: 0,
  blurSigma: [0, 0],
  solarizeProbability: 0,
};
