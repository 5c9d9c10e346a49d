/**
 * Chooses settings if the user gives none: from the number and size of the photos, the speed of this machine, and the
 * available time. docs/results.md says how the numbers were found.
 */
import { duration } from "../../base/format.js";
import type { Compute } from "../../compute/compute.js";
import { configSchema, type RunConfig } from "../../config/schema.js";
import type { BackboneSpec } from "../../models/backbone.js";
import { measureSpeed, type Speed } from "./measure-speed.js";

/** The inputs of a recipe. */
export interface Situation {
  /** Number of photos, at least 2. */
  readonly photos: number;
  /** Median of their shorter sides, in pixels. */
  readonly shortSide: number;
  /** Time to train, in seconds. */
  readonly seconds: number;
  readonly compute: Compute;
  /** Aborting stops the measurement with InterruptedError. */
  readonly signal?: AbortSignal;
}

/** A network and the size of its crops. */
interface Rung {
  readonly crop: number;
  readonly model: BackboneSpec;
  /** Approximate number of multiplications per step, relative to the first rung. */
  readonly cost: number;
}

const small = (width: number): BackboneSpec => ({ arch: "resnet18", width, stem: "small" });

/** From cheap to expensive. A more expensive one learns more from the same photos, if it sees them often enough. */
const ladder: readonly Rung[] = [
  { crop: 32, model: small(8), cost: 1 },
  { crop: 32, model: small(16), cost: 3 },
  { crop: 48, model: small(16), cost: 7 },
  { crop: 64, model: small(32), cost: 45 },
  { crop: 128, model: { arch: "resnet18", width: 64, stem: "imagenet" }, cost: 50 },
  { crop: 224, model: { arch: "resnet50", width: 64, stem: "imagenet" }, cost: 350 },
];

/** Number of epochs that must be possible before a more expensive network is worth its time. */
const wantedEpochs = 60;
/** More epochs were never found to help. */
const mostEpochs = 800;
/** Share of the time for training itself; the rest is for decoding and for the comparison at the end. */
const trainingShare = 0.85;
const largestBatch = 64;
/** Crop side in pixels; smaller crops lose too much detail with MoCo's blur. */
const leastBlurred = 96;

/**
 * Half of MoCo v2's jitter and no grey views: with so few steps, stronger jitter removes colours before shapes are
 * learned.
 */
const mildColours = { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.03, grayscaleProbability: 0 };

/** The chosen settings with the reasons. */
export interface Recipe {
  readonly settings: RecipeSettings;
  /** One sentence per reason. */
  readonly why: readonly string[];
}

export type RecipeSettings = Pick<RunConfig, "data" | "model" | "method" | "mask" | "train" | "augment">;

/** Measures the time that a run with these settings needs on this machine. */
export type SpeedMeter = (config: RunConfig) => Promise<Speed>;

/** Chooses settings. Measures steps of the networks that may fit in the time, a few seconds at most for each. */
export async function chooseRecipe(
  situation: Situation,
  meter: SpeedMeter = (config) => measureSpeed(config, situation.compute, situation.signal),
): Promise<Recipe> {
  const { photos, shortSide, seconds } = situation;
  const batchSize = batchFor(photos);
  const stepsPerEpoch = Math.floor(photos / batchSize);
  const epochsOf = ({ step, photo }: Speed) =>
    Math.floor((trainingShare * seconds - photos * photo) / (stepsPerEpoch * step));
  const measure = async (rung: Rung) => ({ rung, speed: await meter(configOf(rung, photos, 1)) });
  const fitting = ladder.filter(({ crop }, place) => place === 0 || crop <= shortSide);
  let chosen = await measure(fitting[0]);
  for (const rung of fitting.slice(1)) {
    const { step, photo } = chosen.speed;
    // The time of small networks does not depend only on multiplications, so the estimate for the next one may be twice
    // too high.
    const expected = { step: (step * rung.cost) / chosen.rung.cost / 2, photo };
    if (epochsOf(expected) < wantedEpochs) break;
    const next = await measure(rung);
    if (epochsOf(next.speed) < wantedEpochs) break;
    chosen = next;
  }
  const epochs = Math.min(mostEpochs, Math.max(1, epochsOf(chosen.speed)));
  const { data, model, method, mask, train, augment } = configOf(chosen.rung, photos, epochs);
  const settings = { data, model, method, mask, train, augment };
  return { settings, why: reasons(situation, settings, chosen.speed) };
}

/** A power of two, so that an epoch of few photos still has about eight steps. */
function batchFor(photos: number): number {
  const eighth = 2 ** Math.floor(Math.log2(Math.max(2, photos / 8)));
  return Math.min(largestBatch, Math.max(2, eighth));
}

function configOf({ crop, model }: Rung, photos: number, epochs: number): RunConfig {
  const batchSize = batchFor(photos);
  return configSchema.parse({
    data: { crop },
    model,
    method: { name: "simclr" },
    augment: { ...mildColours, blurProbability: crop < leastBlurred ? 0 : 0.5 },
    mask: { fill: "mean", negative: { count: 0 } },
    train: {
      epochs,
      batchSize,
      optimizer: "sgd",
      lr: (0.12 * batchSize) / 64,
      checkpointEvery: Math.ceil(epochs / 20),
    },
  });
}

function reasons(
  { photos, shortSide, seconds }: Situation,
  { data, model, mask, train }: RecipeSettings,
  { step }: Speed,
): string[] {
  const training = train.epochs * Math.floor(photos / train.batchSize) * step;
  return [
    `${photos} photos of about ${shortSide} px, and ${duration(seconds)}: ${model.arch} of width ${model.width} on crops of ` +
      `${data.crop} px. A step takes ${step.toPrecision(2)} s here, and ${train.epochs} epochs ${duration(training)}.`,
    `A larger network or crop would see each photo less than ${wantedEpochs} times in that time, or has more pixels than the photos.`,
    "SimCLR with SGD: on few photos it was ahead of MoCo v2, whose queue holds the same photos again, at as many passes through an encoder.",
    "Colours change half as much as in MoCo v2, and no view is grey: on few photos that was ahead on every set.",
    `Masked cells get their crop's mean colour (mask.fill ${mask.fill}): high-pass filling takes the colours away, which small networks need.`,
  ];
}
