/** Settings of the occlusion model. */
import { z } from "zod";
import { count, named } from "../../base/setting-types.js";

const none = z.strictObject({
  name: z.literal("none").describe("model that learns to occlude the query"),
});

const adios = z.strictObject({
  name: z.enum(["adios", "adios-s"]),
  masks: count(2, 16).default(4).describe("adios: masks that share a view's pixels, N"),
  sparsity: z
    .number()
    .min(0)
    .default(0.75)
    .describe("adios: alpha, the weight of the penalty on nearly empty or full masks"),
  channels: count(1, 128).default(8).describe("adios: channels of the occlusion model's first level"),
  lr: z
    .number()
    .positive()
    .optional()
    .describe("adios: highest learning rate of the occlusion model; default: 0.5 x batch / 128"),
});

export const occlusionSettings = z
  .preprocess(named("none"), z.discriminatedUnion("name", [none, adios]))
  .prefault({});

export type OcclusionSettings = z.infer<typeof occlusionSettings>;
