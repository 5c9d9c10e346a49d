/**
 * One step of training, as the data walks it: photos, two views, saliency, masks, the method's loss, the update; with
 * ADIOS also what occludes the query, and its own update.
 */
import { scope, type Tensor } from "@salmask/torch";
import { drawView, renderView, type ViewDraw } from "../augment/index.js";
import { TrainingError } from "../errors.js";
import { type MaskedViews, maskViews } from "../masking/mask.js";
import type { MaskOptions } from "../masking/options.js";
import type { Compare } from "../methods/method.js";
import type { Foreground } from "../saliency/threshold.js";
import { type EmbeddingStats, embeddingStats } from "./embedding-stats.js";
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
}

/** Where in the run a step is, and whether its embeddings and saliency are looked at. */
export interface StepPlace {
  epoch: number;
  /** From 0, over all epochs. */
  step: number;
  logged: boolean;
}

/**
 * Learns from the photos `ids` [B]. Throws {@link TrainingError} `loss-not-finite` before anything is changed.
 */
export function trainStep(run: Run, ids: Int32Array, { epoch, step, logged }: StepPlace): StepMetrics {
  const { config, method, optimizer, adversary, truth } = run;
  return scope(() => {
    const { views, keyForeground, keyDraw } = makeViews(run, ids, { seed: config.seed, epoch }, config.mask);
    const occlusion = adversary?.occlude(views.query, { epoch, ids }) ?? null;
    const queries = occlusion === null ? [views.query] : occlusion.queries; // [B, 3, crop, crop] each
    const compare = method.against(views, step);
    const learned = queries.map((query) => learnFrom(compare, query, { step, logged }));
    optimizer.step();
    optimizer.zeroGrad();
    occlusion?.learn(compare, method.learned);
    method.afterStep();
    return {
      loss: mean(learned.map(({ loss }) => loss)),
      contrastAccuracy: mean(learned.map(({ contrastAccuracy }) => contrastAccuracy)),
      maskedShare: occlusion === null ? views.maskedShare : occlusion.maskedShare,
      embedding: learned[0].embedding,
      agreement:
        logged && truth !== null && keyForeground !== null
          ? truth.agreement(keyForeground, keyDraw, ids)
          : null,
      ...foregroundShares(keyForeground),
    };
  });
}

/** Adds the gradient of one query `[B, 3, H, W]` to what the optimizer will use. */
function learnFrom(
  compare: Compare,
  views: Tensor,
  { step, logged }: { step: number; logged: boolean },
): Pick<StepMetrics, "loss" | "contrastAccuracy" | "embedding"> {
  return scope(() => {
    const { loss, contrastAccuracy, query, key } = compare(views); // [], [], [B, dim] each
    const value = loss.item();
    if (!Number.isFinite(value)) {
      throw new TrainingError(
        "loss-not-finite",
        `The loss of step ${step} is ${value}; nothing was learned from it.`,
      );
    }
    loss.backward();
    const embedding = logged ? embeddingStats(query, key) : null;
    return { loss: value, contrastAccuracy: contrastAccuracy.item(), embedding };
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What the two branches see of some photos. */
export interface StepViews {
  views: MaskedViews;
  /** Of the key crops; null while nothing says where the object is. */
  keyForeground: Foreground | null;
  keyDraw: ViewDraw;
}

/**
 * Draws, renders and masks two views of the photos `ids` [B], unmasked as long as saliency is waited for. The key names
 * every random decision.
 */
export function makeViews(
  { config, dataset, view, grid, guide }: Run,
  ids: Int32Array,
  { seed, epoch }: { seed: number; epoch: number },
  mask: MaskOptions,
): StepViews {
  const { crop } = config.data;
  const photos = dataset.images(ids); // uint8 [B, 3, S, S]
  const [queryDraw, keyDraw] = [0, 1].map((which) =>
    drawView({ seed, epoch, view: which }, ids, dataset.originalSizes, dataset.size, view),
  );
  const query = renderView(photos, queryDraw, { crop }); // [B, 3, crop, crop]
  const key = renderView(photos, keyDraw, { crop }); // [B, 3, crop, crop]

  const queryForeground = guide.foreground(query, queryDraw, ids);
  const keyForeground = guide.foreground(key, keyDraw, ids);
  const crops = { query, key, queryForeground, keyForeground };
  const views = maskViews(crops, { seed, epoch, ids }, grid, guide.active ? mask : unmasked(mask));
  return { views, keyForeground, keyDraw };
}

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
