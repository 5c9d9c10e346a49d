/** What both sides are told: plain MoCo v2 on CIFAR-10, with the settings of experiments/cifar10.yaml and nothing masked. */
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../packages/salmask/src/config/load.js";
import type { RunConfig } from "../../packages/salmask/src/config/schema.js";

export const sides = ["ours", "peer"] as const;
export type SideName = (typeof sides)[number];

const file = fileURLToPath(new URL("../../experiments/cifar10.yaml", import.meta.url));

/** The recipe of a run. Both sides get these numbers from here. */
export const recipeOf = ({
  epochs,
  seed,
  threads,
}: {
  epochs: number;
  seed: number;
  threads: number;
}): RunConfig =>
  loadConfig(
    {
      seed,
      threads,
      device: "cpu",
      precision: "float32",
      "mask.fill": "none",
      "train.epochs": epochs,
      // Looks into the run that are no part of the recipe; the peer has none.
      "train.varianceEvery": 0,
    },
    { file },
  );

/** One training, in a process of its own. */
export interface TrainTask {
  readonly config: RunConfig;
  /** The folder of the photos, without classes. */
  readonly photos: string;
  /** A new folder for what the side writes. */
  readonly out: string;
  readonly threads: number;
}

/** What a side says of its training. Times are wall clock. */
export interface Trained {
  /** Seconds in which the photos were decoded. */
  readonly decoding: number;
  /** Seconds from the first step to the last checkpoint. */
  readonly training: number;
  readonly steps: number;
  /** Mean over the steps of the last epoch that are logged: those whose number `train.logEvery` divides, and the last one. */
  readonly loss: number;
}
