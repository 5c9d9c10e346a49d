import { z } from "zod";
import { count, share } from "../base/setting-types.js";
import { multiCropSettings } from "./multi-crop-settings.js";
import { projectorSettings } from "./projector-settings.js";
import { prototypeSettings } from "./prototype-settings.js";

export const dinoSettings = z.strictObject({
  name: z.literal("dino"),
  ...projectorSettings,
  temperature: projectorSettings.temperature.default(0.1),
  dim: projectorSettings.dim.default(256),
  hidden: projectorSettings.hidden.unwrap().default(2048),
  normInHead: z
    .boolean()
    .default(false)
    .describe("dino: batch norm in the head, without which the embeddings of small ConvNets begin all alike"),
  ...prototypeSettings,
  prototypes: prototypeSettings.prototypes.default(4096),
  teacherTemperature: z
    .number()
    .positive()
    .default(0.04)
    .describe("dino: divides the teacher's scores after the warm-up"),
  teacherTemperatureStart: z
    .number()
    .positive()
    .default(0.04)
    .describe("dino: the same in the first epoch; it changes linearly"),
  teacherWarmupEpochs: count(0)
    .default(0)
    .describe("dino: epochs in which the teacher's temperature changes"),
  momentum: share().default(0.996),
  centreMomentum: share()
    .default(0.9)
    .describe("dino: how slowly the mean of the teacher's scores follows, which is taken from them"),
  clipGradient: z
    .number()
    .positive()
    .default(3)
    .describe("dino: largest length of the gradient of one parameter tensor; longer ones are shortened"),
  weightDecayGrowth: z
    .number()
    .min(0)
    .default(1)
    .describe(
      "dino: weight decay at the end, as a multiple of train.weightDecay, reached along a cosine; with a ViT 10, from 0.04",
    ),
  ...multiCropSettings,
  localCrops: multiCropSettings.localCrops.default(8),
});

export type DinoSettings = z.infer<typeof dinoSettings>;
