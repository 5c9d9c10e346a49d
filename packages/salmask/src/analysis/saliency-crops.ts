/** How well the foreground of training's crops agrees with the true objects, with one saliency map per photo. */
import { noGrad, scope, tensor } from "@salmask/torch";
import { InterruptedError } from "../base/errors.js";
import { type Report, silent } from "../base/events.js";
import { meanOfKnown } from "../metrics/average-precision/curve.js";
import { mapAllPhotos, photoViewOf } from "../saliency/maps/photo-maps.js";
import { type LateSaliencySource, mapsOf } from "../saliency/source.js";
import { foregroundCells } from "../saliency/threshold.js";
import { TrueMasks } from "../tasks/pretrain/true-masks.js";
import { cropMaps } from "../views/crop-maps.js";
import { drawView } from "../views/draw.js";
import type { ViewOptions } from "../views/settings.js";
import type { LookOptions } from "./saliency-look.js";

/** Scores of crops as a run draws them. */
export interface CropScores {
  crops: number;
  /** Mean share of the cells that are foreground. */
  foregroundShare: number;
  /** Share of the crops whose cells are all foreground. */
  allForegroundShare: number;
  /** Mean intersection over union of the foreground cells and the true ones, over the crops that show their object; null if none does. */
  iou: number | null;
  /** The same for the whole crop as foreground. */
  wholeCropIou: number | null;
}

export interface CropScoreOptions extends LookOptions {
  /** Folder of masks, as for the scores of photos. */
  readonly masks: string;
  readonly seed: number;
  readonly augment: ViewOptions;
  /** Crops of each photo. */
  readonly perPhoto: number;
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Scores crops of every photo of a data set. Throws as `evaluateSaliency` does. */
export async function scoreCrops(options: CropScoreOptions): Promise<CropScores> {
  const { dataset, source, grid, threshold, seed, augment, perPhoto, signal, report = silent } = options;
  const { rows, cols, cell } = grid;
  const truth = await TrueMasks.open(options.masks, dataset, grid);
  const asked = { name: source.name, mapsLater: mapsFrom(source), dispose: async () => {} };
  const onProgress = (progress: { done: number; total: number }) =>
    report({ kind: "progress", what: "finding objects for crops", ...progress });
  const maps = await mapAllPhotos(asked, dataset, photoViewOf(rows * cell, cell), { signal, onProgress }); // [N, rows', cols']
  const shares: number[] = [];
  const [ious, wholes]: number[][] = [[], []];
  try {
    for (let id = 0; id < dataset.length; id++) {
      if (signal?.aborted === true)
        throw new InterruptedError("Stopped; nothing was written. The same command starts anew.");
      const ids = Int32Array.of(id);
      for (let view = 0; view < perPhoto; view++) {
        const draw = drawView({ seed, epoch: 0, view }, ids, dataset.originalSizes, dataset.size, augment);
        const found = scope(() =>
          noGrad(() =>
            foregroundCells(cropMaps(maps.indexSelect(0, tensor(ids)), draw, rows, cols), threshold),
          ),
        );
        shares.push(found.shares[0]);
        const agreement = truth?.agreement(found, draw, ids) ?? null;
        if (agreement === null) continue;
        ious.push(agreement.iou);
        wholes.push(agreement.wholeCropIou);
      }
    }
  } finally {
    maps.dispose();
    truth?.dispose();
  }
  return {
    crops: shares.length,
    foregroundShare: meanOfKnown(shares) ?? 0,
    allForegroundShare: meanOfKnown(shares.map((share) => Number(share === 1))) ?? 0,
    iou: meanOfKnown(ious),
    wholeCropIou: meanOfKnown(wholes),
  };
}

const mapsFrom =
  (source: LookOptions["source"]): LateSaliencySource["mapsLater"] =>
  async (crops, size) =>
    mapsOf(source, crops, size);
