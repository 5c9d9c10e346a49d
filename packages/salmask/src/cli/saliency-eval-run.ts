import { type CropScores, scoreCrops } from "../analysis/saliency-crops.js";
import { evaluateSaliency, type SaliencyScores } from "../analysis/saliency-eval.js";
import type { Report } from "../base/events.js";
import type { RunConfig } from "../config/schema.js";
import { openPhotos } from "../data/store/open-photos.js";
import { maskGrid } from "../masking/grid.js";
import { strideOf } from "../models/registry.js";
import { sheetOfSaliency } from "../report/saliency-sheet.js";
import { openSource } from "../saliency/open.js";

export interface ScoredPhotos extends SaliencyScores {
  /** The saliency source that was scored. */
  source: string;
  /** Null if no crops were asked for. */
  crops: CropScores | null;
  /** The picture sheet and the photos in it; null if no sheet was requested. */
  sheet: { path: string; photos: string[] } | null;
}

/** Scores the configured saliency source on photos with masks, and draws `count` of them to `sheet`. */
export async function scorePhotos(options: {
  photos: string;
  masks: string;
  config: RunConfig;
  sheet: string | undefined;
  count: number;
  /** Crops of each photo to score, as training draws them. */
  crops: number;
  signal?: AbortSignal;
  report: Report;
}): Promise<ScoredPhotos> {
  const { photos, masks, sheet: out, count, crops: perPhoto, signal, report } = options;
  const { seed, data, model, augment, mask, saliency } = options.config;
  const source = await openSource(saliency);
  try {
    const dataset = await openPhotos(photos, { ...data, signal, report });
    try {
      const grid = maskGrid(data.crop, strideOf(model), mask.grid);
      const evaluated = { dataset, masks, source, grid, threshold: saliency.threshold, signal, report };
      const scores = await evaluateSaliency(evaluated);
      const crops = perPhoto === 0 ? null : await scoreCrops({ ...evaluated, seed, augment, perPhoto });
      const sheet =
        out === undefined ? null : { path: out, photos: await sheetOfSaliency({ ...evaluated, out, count }) };
      return { source: saliency.source, ...scores, crops, sheet };
    } finally {
      dataset.close();
    }
  } finally {
    await source.dispose();
  }
}
