/** What a pre-training will do, and how long it will take. */
import { availableParallelism } from "node:os";
import { setNumThreads } from "@salmask/torch";
import { pretrainSettings } from "../../config/schema.js";
import { batches, epochOrder } from "../../data/samples/order.js";
import { findShards } from "../../data/shards/find-shards.js";
import { openSource } from "../../data/sources/source.js";
import { surveyPhotos } from "../../data/sources/survey.js";
import { chooseSize } from "../../data/store/square-size.js";
import { RunFolder } from "../../runs/run-folder.js";
import { refuseOtherSettings } from "../../runs/same-run.js";
import { builtInMethods } from "../../ssl/registry.js";
import { type RunPlan, runPlan } from "../../training/run-plan.js";
import { speedOf, tryRun } from "./measure-speed.js";
import { type PretrainOptions, refuseEarly } from "./pretrain.js";
import { refuseStreamed } from "./refuse-streamed.js";

export interface PretrainPlan extends RunPlan {
  readonly kind: "pretrain";
  /** Side of the stored photos in pixels, and the bytes of all of them in the cache; 0 for shards, whose photos are not stored. */
  readonly stored: { readonly side: number; readonly bytes: number };
  /** Views that a step shows, by their kinds. */
  readonly views: readonly { readonly name: string; readonly count: number; readonly crop: number }[];
}

/**
 * Checks what a run would check before its first photo is decoded, counts the photos, and tries some steps with random ones.
 * Writes nothing but the indexes of shards in the folder of caches. Throws what `pretrain` throws before the first step.
 */
export async function planPretraining({
  photos,
  out,
  config,
  resume = false,
  signal,
}: Pick<PretrainOptions, "photos" | "out" | "config" | "resume" | "signal">): Promise<PretrainPlan> {
  const folder = new RunFolder(out);
  const compute = refuseEarly(config, folder, resume);
  using checkpoint = folder.checkpointFor(resume);
  if (checkpoint !== null) refuseOtherSettings(pretrainSettings, checkpoint, config, compute);
  const { seed, data, train, threads } = config;
  const { count } = await surveyPhotos(photos, signal, data.cache);
  const side = await chooseSize(data, await openSource(photos, { cacheDir: data.cache, signal }), signal);
  const isStreamed = (await findShards(photos)) !== null;
  if (isStreamed) refuseStreamed(config);
  const { batchSize, epochs } = train;
  const stepsPerEpoch = batches(epochOrder(seed, 0, count), batchSize).length;
  setNumThreads(threads === "auto" ? availableParallelism() : threads);
  const trial = await tryRun(config, compute, signal);
  const { kinds, negatives } = builtInMethods.recipe(config);
  const ofKinds = kinds.map((kind) => ({ name: kind.name, count: batchSize * kind.count, crop: kind.crop }));
  const hard = negatives === null ? 0 : negatives.count * (negatives.of === "shared" ? 1 : batchSize);
  return {
    kind: "pretrain",
    ...runPlan({
      photos: count,
      batchSize,
      stepsPerEpoch,
      epochs,
      trial,
      done: checkpoint?.position.step,
      oncePerPhoto: speedOf(trial, config).photo,
    }),
    stored: { side, bytes: isStreamed ? 0 : count * 3 * side ** 2 },
    views: hard === 0 ? ofKinds : [...ofKinds, { name: "hard negative", count: hard, crop: data.crop }],
  };
}
