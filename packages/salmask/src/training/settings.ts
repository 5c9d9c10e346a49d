/** Settings for the length of training and for the optimizer. */
import { z } from "zod";
import { count, share } from "../base/setting-types.js";

export const trainSettings = z
  .strictObject({
    epochs: count(1).default(200).describe("passes over the photos"),
    batchSize: count(2).default(128).describe("photos of a step"),
    lr: z
      .number()
      .positive()
      .optional()
      .describe("highest learning rate; default: 0.03 x batch / 256 with sgd, 0.3 x batch / 256 with lars"),
    optimizer: z
      .enum(["sgd", "lars"])
      .optional()
      .describe("how weights move; default: sgd for mocov2, lars for simclr"),
    lrWarmupEpochs: count(0)
      .optional()
      .describe(
        "epochs in which the learning rate rises; default: none with sgd, 10 with lars, a tenth at most",
      ),
    weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
    momentum: share().default(0.9).describe("momentum of the optimizer"),
    checkpointEvery: count(1).default(1).describe("epochs between checkpoints"),
    keep: count(1).default(2).describe("checkpoints that are kept"),
    logEvery: count(1).default(10).describe("steps between lines of metrics"),
    varianceEvery: count(0)
      .default(1)
      .describe("epochs between looks at how one photo's embeddings vary over its views; 0: never"),
  })
  .prefault({});

export type TrainSettings = z.infer<typeof trainSettings>;
