/**
 * Chooses settings if the user gives none: from the number and size of the photos, the speed of this machine, and the
 * available time. docs/results.md says how the numbers were found.
 */
import { isDeepStrictEqual } from "node:util";
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
  readonly settings: RunConfig;
  /** One sentence per reason. */
  readonly why: readonly string[];
}

export type RecipeSettings = Pick<RunConfig, "data" | "model" | "method" | "mask" | "train" | "augment">;

/** The user's own settings over those of a recipe: what is named by the user is never chosen. */
export type Settle = (recipe: RecipeSettings) => RunConfig;

/** Measures the time that a run with these settings needs on this machine. */
export type SpeedMeter = (config: RunConfig) => Promise<Speed>;

/**
 * Chooses the settings that the user did not name. Measures steps of the networks that may fit in the time, a few seconds at
 * most for each.
 */
export async function chooseRecipe(
  situation: Situation,
  settle: Settle = (recipe) => configSchema.parse(recipe),
  meter: SpeedMeter = (config) => measureSpeed(config, situation.compute, situation.signal),
): Promise<Recipe> {
  const { photos, seconds } = situation;
  const epochsOf = ({ train }: RunConfig, { step, photo }: Speed) =>
    Math.floor((trainingShare * seconds - photos * photo) / (Math.floor(photos / train.batchSize) * step));
  const measure = async (choice: Choice) => ({ choice, speed: await meter(choice.config) });
  const [first, ...others] = choicesFor(situation, settle);
  let chosen = await measure(first);
  for (const choice of others) {
    const { step, photo } = chosen.speed;
    // The time of small networks does not depend only on multiplications, so the estimate for the next one may be twice
    // too high.
    const expected = { step: (step * choice.rung.cost) / chosen.choice.rung.cost / 2, photo };
    if (epochsOf(choice.config, expected) < wantedEpochs) break;
    const next = await measure(choice);
    if (epochsOf(choice.config, next.speed) < wantedEpochs) break;
    chosen = next;
  }
  const { choice, speed } = chosen;
  const epochs = Math.min(mostEpochs, Math.max(1, epochsOf(choice.config, speed)));
  const settings = settle(recipeOf(choice.rung, photos, epochs));
  return { settings, why: reasons(situation, settings, { speed, hadChoice: others.length > 0 }) };
}

/** A rung with the user's settings over it. */
interface Choice {
  readonly rung: Rung;
  readonly config: RunConfig;
}

/** What can be chosen from, cheap first: rungs that differ only in what the user names are one. */
function choicesFor({ photos, shortSide }: Situation, settle: Settle): Choice[] {
  const choices: Choice[] = [];
  for (const rung of ladder) {
    if (choices.length > 0 && rung.crop > shortSide) continue;
    const config = settle(recipeOf(rung, photos, 1));
    const isNew = choices.every(
      (other) =>
        other.config.data.crop !== config.data.crop || !isDeepStrictEqual(other.config.model, config.model),
    );
    if (isNew) choices.push({ rung, config });
  }
  return choices;
}

/** A power of two, so that an epoch of few photos still has about eight steps. */
function batchFor(photos: number): number {
  const eighth = 2 ** Math.floor(Math.log2(Math.max(2, photos / 8)));
  return Math.min(largestBatch, Math.max(2, eighth));
}

function recipeOf({ crop, model }: Rung, photos: number, epochs: number): RecipeSettings {
  const batchSize = batchFor(photos);
  const {
    data,
    model: network,
    method,
    augment,
    mask,
    train,
  } = configSchema.parse({
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
  return { data, model: network, method, augment, mask, train };
}

function reasons(
  { photos, shortSide, seconds }: Situation,
  { data, model, method, augment, mask, train }: RunConfig,
  { speed, hadChoice }: { readonly speed: Speed; readonly hadChoice: boolean },
): string[] {
  const training = train.epochs * Math.floor(photos / train.batchSize) * speed.step;
  const lines = [
    `${photos} photos of about ${shortSide} px, and ${duration(seconds)}: ${model.arch} of width ${model.width} on crops of ` +
      `${data.crop} px. A step takes ${speed.step.toPrecision(2)} s here, and ${train.epochs} epochs ${duration(training)}.`,
  ];
  if (hadChoice) {
    lines.push(
      `A larger network or crop would see each photo less than ${wantedEpochs} times in that time, or has more pixels than the photos.`,
    );
  }
  if (method.name === "simclr") {
    lines.push(
      "SimCLR with SGD: on few photos it was ahead of MoCo v2, whose queue holds the same photos again, at as many passes through an encoder.",
    );
  }
  if (isMild(augment)) {
    lines.push(
      "Colours change half as much as in MoCo v2, and no view is grey: on few photos that was ahead on every set.",
    );
  }
  if (mask.fill === "mean") {
    lines.push(
      `Masked cells get their crop's mean colour (mask.fill mean): high-pass filling takes the colours away, which small networks need.`,
    );
  }
  return lines;
}

function isMild(augment: RunConfig["augment"]): boolean {
  return isDeepStrictEqual({ ...augment, ...mildColours }, augment);
}
