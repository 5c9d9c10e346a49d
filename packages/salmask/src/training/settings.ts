/** Settings for the length of training and for the optimizer. */
import { z } from "zod";
import { count, share } from "../base/setting-types.js";

export const trainSettings = z
  .strictObject({
    init: z
      .string()
      .optional()
      .describe(
        "the encoder's weights to start from: a run's folder or a safetensors file, such as salmask import writes; default: random ones",
      ),
    epochs: count(1).default(200).describe("passes over the photos"),
    batchSize: count(2).default(128).describe("photos per step"),
    accumulate: count(1)
      .default(1)
      .describe(
        "micro-batches that a batch is learned from, one after another, in less memory; their gradients make one step",
      ),
    lr: z
      .number()
      .positive()
      .optional()
      .describe(
        "highest learning rate; default: the method's, scaled by batch / 256 (mocov2 0.03, simclr 0.3)",
      ),
    optimizer: z
      .enum(["sgd", "lars", "adamw"])
      .optional()
      .describe("what trains the encoder; default: the method's (mocov2 sgd, simclr lars)"),
    lrWarmupEpochs: count(0)
      .optional()
      .describe(
        "epochs in which the learning rate rises; default: none with sgd; with lars 10, but at most a tenth of all epochs",
      ),
    batchNorm: z
      .enum(["local", "sync"])
      .optional()
      .describe(
        "which photos batch norm sees where several processes train: those of its process, or those of all; default: sync, with mocov2 local",
      ),
    weightDecay: z.number().min(0).default(1e-4).describe("L2 penalty on every parameter"),
    momentum: share().default(0.9).describe("momentum of the optimizer"),
    checkpointEvery: count(1).default(1).describe("epochs between checkpoints"),
    keep: count(1).default(2).describe("number of checkpoints to keep"),
    keepEncoders: count(0)
      .optional()
      .describe(
        "epochs before the last one whose encoders are kept, for scores that are means over them (salmask probe --last-epochs); default: 0",
      ),
    logEvery: count(1).default(10).describe("steps between log entries"),
    varianceEvery: count(0)
      .default(1)
      .describe("epochs between measurements of the variance of a photo's embeddings over views; 0: never"),
    knnEvery: count(0)
      .default(0)
      .describe(
        "epochs between kNN scores of the encoder, on the photos' classes or on train.validate; 0: never",
      ),
    knnPhotos: count(16)
      .default(4000)
      .describe(
        "photos of a kNN score, at most: the classes of a quarter are asked about, the others are known",
      ),
    validate: z
      .string()
      .optional()
      .describe("a folder with one folder per class, for kNN scores in place of the run's own photos"),
  })
  .prefault({});

export type TrainSettings = z.infer<typeof trainSettings>;
