import { z } from "zod";
import { count } from "../base/setting-types.js";
import { multiCropSettings } from "./multi-crop-settings.js";
import { projectorSettings } from "./projector-settings.js";
import { prototypeSettings } from "./prototype-settings.js";

export const swavSettings = z.strictObject({
  name: z.literal("swav"),
  ...projectorSettings,
  temperature: projectorSettings.temperature.default(0.1),
  hidden: projectorSettings.hidden.unwrap().default(2048),
  ...prototypeSettings,
  epsilon: z
    .number()
    .min(0.001)
    .default(0.05)
    .describe("swav: softness of the codes; small: each photo has one prototype"),
  sinkhornIterations: count(1, 1000)
    .default(3)
    .describe("swav: times that codes are scaled to equal shares of the prototypes"),
  codeQueue: z
    .union([z.literal("auto"), count(0)])
    .default("auto")
    .describe(
      "swav: past embeddings of each large crop that share the prototypes with a batch; auto: 3840 for batches up to 256, otherwise 0",
    ),
  codeQueueEpoch: count(0)
    .default(15)
    .describe("swav: the epoch, from 0, in which the queue begins to fill; it is used when it is full"),
  ...multiCropSettings,
});

export type SwavSettings = z.infer<typeof swavSettings>;
