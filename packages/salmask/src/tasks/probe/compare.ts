/** Compares a run's encoder with an untrained one, on the run's own photos if they have classes. */
import { Generator, KeyedRandom } from "@salmask/torch";
import { type Report, silent } from "../../base/events.js";
import { purpose } from "../../base/purposes.js";
import { type Compute, onCpu, place } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { fillOf } from "../../masking/fills/registry.js";
import type { Backbone } from "../../models/backbone.js";
import { createBackbone } from "../../models/registry.js";
import type { PretrainSummary } from "../../runs/records.js";
import type { FeatureOptions } from "./features.js";
import { labelledFeatures, type Scores, scoreFeatures } from "./score.js";

export interface CompareOptions {
  readonly config: Pick<RunConfig, "seed" | "data" | "mask">;
  /** Where the encoder is; the CPU where it is not given. Both encoders compute in float32. */
  readonly compute?: Compute;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Largest number of photos: enough to see a difference, and takes only seconds. */
const mostPhotos = 4000;
/** Share of the photos that are scored; the classifier learns from the rest. */
const scoredShare = 0.25;
const batchSize = 256;

/** Photos whose classes are known, and photos that are asked about. */
export interface KnownAndAsked {
  readonly known: Int32Array;
  readonly asked: Int32Array;
}

/**
 * Divides labelled photos, at most `most` of them; the seed selects. Null if there are no classes, or too few photos per class
 * for a result.
 */
export function knownAndAsked(dataset: PackedDataset, seed: number, most: number): KnownAndAsked | null {
  const classes = dataset.classes.length;
  if (classes < 2 || dataset.length < 8 * classes || dataset.labels.some((label) => label < 0)) return null;
  const order = new KeyedRandom(seed, purpose.comparison).permutation(dataset.length).slice(0, most);
  const count = Math.round(scoredShare * order.length);
  return { known: order.slice(count), asked: order.slice(0, count) };
}

/** How encoders see the photos that they are scored on, in float32 on the run's device. */
export function scoredInput(
  { data, mask }: Pick<RunConfig, "data" | "mask">,
  { device }: Compute,
): Pick<FeatureOptions, "crop" | "fill" | "batchSize" | "compute"> {
  return { crop: data.crop, fill: fillOf(mask), batchSize, compute: { device, precision: "float32" } };
}

/**
 * Classifies a part of the photos with the labels of the others, with the trained encoder and with one of the same
 * shape and new random weights. The seed selects the photos. Null if there are no classes, or too few photos per class
 * for a result. The training used these photos but not their labels.
 */
export async function compareWithUntrained(
  backbone: Backbone,
  dataset: PackedDataset,
  { config, compute = onCpu, signal, report = silent }: CompareOptions,
): Promise<PretrainSummary["classes"]> {
  const { seed } = config;
  const divided = knownAndAsked(dataset, seed, mostPhotos);
  if (divided === null) return null;
  const { known, asked } = divided;
  const classes = dataset.classes.length;
  const total = 2 * (known.length + asked.length);
  let before = 0;
  const score = async (encoder: Backbone): Promise<Scores> => {
    const onProgress = ({ done }: { done: number }) =>
      report({ kind: "progress", what: "comparing with an untrained encoder", done: before + done, total });
    const options = { ...scoredInput(config, compute), signal, onProgress };
    using train = await labelledFeatures(encoder, { dataset, ids: known }, options);
    before += known.length;
    using test = await labelledFeatures(encoder, { dataset, ids: asked }, options);
    before += asked.length;
    return scoreFeatures(train, test, classes, seed);
  };
  const trained = await score(backbone);
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  using untrained = place(createBackbone(backbone.spec, generator), compute);
  const random = await score(untrained);
  return {
    photos: known.length,
    scored: asked.length,
    knn: { top1: trained.knn, randomTop1: random.knn },
    linear: { top1: trained.linear.top1, randomTop1: random.linear.top1 },
  };
}
