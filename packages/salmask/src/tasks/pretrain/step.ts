/**
 * One step of training, as the data walks it: photos, two views, saliency, masks, the method's loss, the update; with
 * ADIOS also what occludes the query, and its own update.
 */
import { scope, type Tensor } from "@salmask/torch";
import { sent } from "../../compute/compute.js";
import { type MaskedViews, maskViews } from "../../masking/mask.js";
import type { MaskOptions } from "../../masking/settings.js";
import { type EmbeddingStats, embeddingStats } from "../../metrics/embedding-stats.js";
import type { Foreground } from "../../saliency/threshold.js";
import type { Compare } from "../../ssl/method.js";
import type { LossWatch } from "../../training/loss-watch.js";
import { StageClock, type StageSeconds } from "../../training/stage-clock.js";
import { drawView, renderView, type ViewDraw } from "../../views/index.js";
import type { Run } from "./run.js";
import type { Agreement } from "./true-masks.js";

export interface StepMetrics {
  loss: number;
  contrastAccuracy: number;
  /** Mean share of a key crop's cells that show the object, gamma; null while nothing says so. */
  foregroundShare: number | null;
  /** Share of key crops that are all foreground, where guidance turns into random masking. */
  allForegroundShare: number | null;
  /** Mean share of the masked views' values that is replaced. */
  maskedShare: number;
  /** Null for a step that is not logged. */
  embedding: EmbeddingStats | null;
  /** Of the key crops' foreground with the true masks, where they are given; null for a step that is not logged. */
  agreement: Agreement | null;
  /** Where the step's time went. */
  seconds: StageSeconds;
}

/** Where in the run a step is, and whether its embeddings and saliency are looked at. */
export interface StepPlace {
  epoch: number;
  /** From 0, over all epochs. */
  step: number;
  logged: boolean;
}

/** Names the random decisions of a batch, together with its photos. */
export interface BatchKey {
  seed: number;
  epoch: number;
  /** `[B]`: the photos' numbers in the data set. */
  ids: Int32Array;
}

/**
 * Learns from the photos `ids` [B]; null for a step that is not logged. A loss that is not finite is refused as
 * {@link Run.losses} has it: by TrainingError `loss-not-finite`, on a CPU before anything is changed.
 */
export function trainStep(
  run: Run,
  ids: Int32Array,
  place: StepPlace,
  clock = new StageClock(),
): StepMetrics | null {
  const key = { seed: run.config.seed, epoch: place.epoch, ids };
  return scope(() => {
    const crops = renderCrops(run, key, clock);
    const views = maskCrops(run, crops, key, run.config.mask, clock);
    return learn(run, views, key, place, clock);
  });
}

/** Two crops of each photo of a batch, augmented and not masked. */
export interface CropPair {
  /** `[B, 3, crop, crop]` */
  query: Tensor;
  /** `[B, 3, crop, crop]` */
  key: Tensor;
  queryDraw: ViewDraw;
  keyDraw: ViewDraw;
}

/** Draws and renders two views of the photos. The key names every random decision. */
export function renderCrops(
  { config, compute, dataset, view }: Run,
  { seed, epoch, ids }: BatchKey,
  clock = new StageClock(),
): CropPair {
  const { crop } = config.data;
  const photos = clock.in("data", () => sent(dataset.images(ids), compute.device)); // uint8 [B, 3, S, S]
  return clock.in("augmentation", () => {
    const [queryDraw, keyDraw] = [0, 1].map((which) =>
      drawView({ seed, epoch, view: which }, ids, dataset.originalSizes, dataset.size, view),
    );
    const query = renderView(photos, queryDraw, { crop }); // [B, 3, crop, crop]
    const key = renderView(photos, keyDraw, { crop }); // [B, 3, crop, crop]
    return { query, key, queryDraw, keyDraw };
  });
}

/** What the two branches see of some photos. */
export interface StepViews {
  views: MaskedViews;
  /** Of the key crops; null while nothing says where the object is. */
  keyForeground: Foreground | null;
  keyDraw: ViewDraw;
}

/** Masks a batch's crops by where their objects are; unmasked as long as saliency is waited for. */
export function maskCrops(
  { grid, guide }: Run,
  { query, key, queryDraw, keyDraw }: CropPair,
  batch: BatchKey,
  mask: MaskOptions,
  clock = new StageClock(),
): StepViews {
  const drawn = [
    { crops: query, draw: queryDraw },
    { crops: key, draw: keyDraw },
  ];
  const [queryForeground, keyForeground] = clock.in("saliency", () => guide.foregrounds(drawn, batch.ids));
  const crops = { query, key, queryForeground, keyForeground };
  const options = guide.active ? mask : unmasked(mask);
  const views = clock.in("masking", () => maskViews(crops, batch, grid, options));
  return { views, keyForeground, keyDraw };
}

/** The method's losses on a batch's views, and the updates that they ask for; null for a step that is not logged. */
export function learn(
  { method, optimizer, adversary, truth, losses }: Run,
  { views, keyForeground, keyDraw }: StepViews,
  { epoch, ids }: BatchKey,
  { step, logged }: StepPlace,
  clock = new StageClock(),
): StepMetrics | null {
  const occlusion = clock.in("masking", () => adversary?.occlude(views.query, { epoch, ids }) ?? null);
  const queries = occlusion === null ? [views.query] : occlusion.queries; // [B, 3, crop, crop] each
  const compare = clock.in("forward", () => method.against(views, step));
  const learned = queries.map((query) => learnFrom(compare, query, losses, { step, logged }, clock));
  clock.in("optimizer", () => {
    optimizer.step();
    optimizer.zeroGrad();
  });
  clock.in("backward", () => occlusion?.learn(compare, method.learned));
  clock.in("optimizer", () => method.afterStep());
  if (!logged) return null;
  return {
    loss: mean(learned.map(({ loss }) => loss.item())),
    contrastAccuracy: mean(learned.map(({ contrastAccuracy }) => contrastAccuracy.item())),
    maskedShare: occlusion === null ? views.maskedShare : occlusion.maskedShare(),
    embedding: learned[0].embedding,
    agreement: truth !== null && keyForeground !== null ? truth.agreement(keyForeground, keyDraw, ids) : null,
    ...foregroundShares(keyForeground),
    seconds: clock.seconds,
  };
}

/** Adds the gradient of one query `[B, 3, H, W]` to what the optimizer will use. Loss and accuracy `[]` stay on the device. */
function learnFrom(
  compare: Compare,
  views: Tensor,
  losses: LossWatch,
  { step, logged }: { step: number; logged: boolean },
  clock: StageClock,
): { loss: Tensor; contrastAccuracy: Tensor; embedding: EmbeddingStats | null } {
  return scope(() => {
    const { loss, contrastAccuracy, query, key } = clock.in("forward", () => compare(views)); // [], [], [B, dim] each
    losses.see(loss, step);
    clock.in("backward", () => loss.backward());
    if (logged) losses.settle();
    const embedding = logged ? embeddingStats(query, key) : null;
    return { loss: loss.detach(), contrastAccuracy, embedding };
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The same fill, so that the encoder sees one kind of picture throughout, with nothing masked yet. */
function unmasked(mask: MaskOptions): MaskOptions {
  return { ...mask, branch: "none", negative: { ...mask.negative, count: 0 } };
}

function foregroundShares(
  foreground: Foreground | null,
): Pick<StepMetrics, "foregroundShare" | "allForegroundShare"> {
  if (foreground === null) return { foregroundShare: null, allForegroundShare: null };
  const shares = Array.from(foreground.shares);
  return {
    foregroundShare: mean(shares),
    allForegroundShare: mean(shares.map((share) => Number(share === 1))),
  };
}
