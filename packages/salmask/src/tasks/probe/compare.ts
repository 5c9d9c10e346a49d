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
  const classes = dataset.classes.length;
  if (classes < 2 || dataset.length < 8 * classes || dataset.labels.some((label) => label < 0)) return null;
  const { seed, data, mask } = config;
  const there: Compute = { device: compute.device, precision: "float32" };
  const order = new KeyedRandom(seed, purpose.comparison).permutation(dataset.length).slice(0, mostPhotos);
  const scored = order.slice(0, Math.round(scoredShare * order.length));
  const known = order.slice(scored.length);
  const total = 2 * order.length;
  let before = 0;
  const score = async (encoder: Backbone): Promise<Scores> => {
    const onProgress = ({ done }: { done: number }) =>
      report({ kind: "progress", what: "comparing with an untrained encoder", done: before + done, total });
    const options = { crop: data.crop, fill: fillOf(mask), batchSize, compute: there, signal, onProgress };
    using train = await labelledFeatures(encoder, { dataset, ids: known }, options);
    before += known.length;
    using test = await labelledFeatures(encoder, { dataset, ids: scored }, options);
    before += scored.length;
    return scoreFeatures(train, test, classes, seed);
  };
  const trained = await score(backbone);
  const generator = new Generator(new KeyedRandom(seed, purpose.weights, 0).uint32());
  using untrained = place(createBackbone(backbone.spec, generator), there);
  const random = await score(untrained);
  return {
    photos: known.length,
    scored: scored.length,
    knn: { top1: trained.knn, randomTop1: random.knn },
    linear: { top1: trained.linear.top1, randomTop1: random.linear.top1 },
  };
}
