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
  signal?: AbortSignal;
  report: Report;
}): Promise<ScoredPhotos> {
  const { photos, masks, sheet: out, count, signal, report } = options;
  const { data, model, mask, saliency } = options.config;
  const source = await openSource(saliency);
  try {
    const dataset = await openPhotos(photos, { ...data, signal, report });
    try {
      const grid = maskGrid(data.crop, strideOf(model), mask.grid);
      const evaluated = { dataset, masks, source, grid, threshold: saliency.threshold, signal, report };
      const scores = await evaluateSaliency(evaluated);
      const sheet =
        out === undefined ? null : { path: out, photos: await sheetOfSaliency({ ...evaluated, out, count }) };
      return { source: saliency.source, ...scores, sheet };
    } finally {
      dataset.close();
    }
  } finally {
    await source.dispose();
  }
}
