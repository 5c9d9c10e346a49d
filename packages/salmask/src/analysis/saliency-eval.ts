/** How well a saliency source finds the objects of photos with known masks. */
import { scope } from "@salmask/torch";
import { InterruptedError } from "../base/errors.js";
import { type Report, silent } from "../base/events.js";
import { structureMeasure } from "../metrics/s-measure.js";
import {
  curveLength,
  fMeasures,
  intersectionOverUnion,
  meanAbsoluteError,
  precisionRecall,
} from "../metrics/saliency-measures.js";
import { findMaps } from "../saliency/maps/map-files.js";
import { ask, type LookOptions, lookAt, readMasks } from "./saliency-look.js";

export interface SaliencyScores {
  photos: number;
  /** Mean absolute error of the map, scaled to [0, 1]; 0 is best. */
  mae: number;
  /** Largest value over the 256 thresholds of the photos' mean F-measure (beta squared 0.3). */
  maxF: number;
  /** Largest F-measure over the thresholds of the photos' mean precision and mean recall. Never below `maxF`; many papers report this one. */
  maxFOfMeans: number;
  /** Structure measure; 1 is best. */
  sMeasure: number;
  /** Intersection over union of the foreground cells under the threshold, which masking uses. */
  iou: number;
  /** Mean share of the cells that are foreground. */
  foregroundShare: number;
  /** Share of the photos whose cells are all foreground. */
  allForegroundShare: number;
}

export interface SaliencyEvalOptions extends LookOptions {
  /** Folder of masks, searched with its subfolders: `NAME.png` for the photo `NAME.jpg`, white on the object. */
  masks: string;
  /** Aborting ends the work with InterruptedError. */
  signal?: AbortSignal;
  report?: Report;
}

const batchSize = 32;

/**
 * Scores a source on every photo of a data set. Throws DataError if a mask is missing or does not have its photo's size,
 * InterruptedError.
 */
export async function evaluateSaliency(options: SaliencyEvalOptions): Promise<SaliencyScores> {
  const { dataset, signal, report = silent } = options;
  const paths = await findMaps(options.masks, dataset.names);
  const sums = { mae: 0, sMeasure: 0, iou: 0, foregroundShare: 0, allForegroundShare: 0 };
  const curves = {
    f: new Float64Array(curveLength),
    precision: new Float64Array(curveLength),
    recall: new Float64Array(curveLength),
  };
  for (let from = 0; from < dataset.length; from += batchSize) {
    if (signal?.aborted === true)
      throw new InterruptedError("Stopped; nothing was written. The same command starts anew.");
    const length = Math.min(batchSize, dataset.length - from);
    const ids = Int32Array.from({ length }, (_, i) => from + i);
    const masks = await readMasks(ids, paths, dataset);
    const asked = await ask(ids, options);
    try {
      scope(() => {
        for (const { mask, scoredMap, scoredForeground, share } of lookAt(asked, masks, options)) {
          const map = Float64Array.from(scoredMap.contiguous().toFloat32Array()); // [H * W]
          sums.mae += meanAbsoluteError(map, mask.pixels);
          sums.sMeasure += structureMeasure(map, mask.pixels, mask.width);
          sums.iou += intersectionOverUnion(scoredForeground, mask.pixels);
          sums.foregroundShare += share;
          sums.allForegroundShare += Number(share === 1);
          const { precision, recall } = precisionRecall(map, mask.pixels);
          addTo(curves.precision, precision);
          addTo(curves.recall, recall);
          addTo(curves.f, fMeasures({ precision, recall }));
        }
      });
    } finally {
      for (const tensor of Object.values(asked)) tensor.dispose();
    }
    report({ kind: "progress", what: "scoring maps", done: from + length, total: dataset.length });
    // Lets signal handlers and timers run.
    await new Promise(setImmediate);
  }
  const mean = (sum: number) => sum / dataset.length;
  return {
    photos: dataset.length,
    mae: mean(sums.mae),
    maxF: mean(Math.max(...curves.f)),
    maxFOfMeans: Math.max(
      ...fMeasures({ precision: curves.precision.map(mean), recall: curves.recall.map(mean) }),
    ),
    sMeasure: mean(sums.sMeasure),
    iou: mean(sums.iou),
    foregroundShare: mean(sums.foregroundShare),
    allForegroundShare: mean(sums.allForegroundShare),
  };
}

function addTo(sum: Float64Array, values: Float64Array): void {
  for (const [i, value] of values.entries()) sum[i] += value;
}
