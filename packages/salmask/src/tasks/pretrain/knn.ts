/** Scores a run's encoder by kNN while it is trained. */
import { DataError, InterruptedError } from "../../base/errors.js";
import { type Report, silent } from "../../base/events.js";
import type { Compute } from "../../compute/compute.js";
import type { RunConfig } from "../../config/schema.js";
import type { PackedDataset } from "../../data/store/dataset.js";
import { openPhotos } from "../../data/store/open-photos.js";
import { knnTop1 } from "../../metrics/knn.js";
import type { Backbone } from "../../models/backbone.js";
import { oneRank, type Ranks } from "../../ranks/ranks.js";
import type { KnnScoring } from "../../training/trainer.js";
import { type KnownAndAsked, knownAndAsked, scoredInput } from "../probe/compare.js";
import { labelledFeatures } from "../probe/score.js";

export interface OpenKnn {
  readonly config: RunConfig;
  /** The run's own photos, for a run without `train.validate`. The caller closes them. */
  readonly dataset: PackedDataset;
  readonly compute: Compute;
  /** Aborting stops a score, which is then missing from the log. */
  readonly signal?: AbortSignal;
  readonly report?: Report;
}

/** Labelled photos for scores during a run; {@link close} them. */
export class KnnPhotos {
  private constructor(
    private readonly options: OpenKnn,
    private readonly photos: PackedDataset,
    private readonly divided: KnownAndAsked,
  ) {}

  /**
   * Opens the photos that the settings name. Null if nothing is to be scored, or if the run's own photos have no classes,
   * which is reported as a warning. Throws DataError `no-labels` if those of `train.validate` have none, and what opening
   * photos throws.
   */
  static async open(options: OpenKnn): Promise<KnnPhotos | null> {
    const { config, dataset, signal, report = silent } = options;
    const { seed, data } = config;
    const { knnEvery, knnPhotos, validate } = config.train;
    if (knnEvery === 0) return null;
    const photos = validate === undefined ? dataset : await openPhotos(validate, { ...data, signal, report });
    const divided = knownAndAsked(photos, seed, knnPhotos);
    if (divided !== null) return new KnnPhotos(options, photos, divided);
    const expected = "at least two folders, one per class, with eight photos each on average";
    if (validate === undefined) {
      const message = `nothing is scored by kNN: the photos need ${expected}. --validate FOLDER scores other photos`;
      report({ kind: "warning", code: "no-classes", message });
      return null;
    }
    const got = `${photos.classes.length} classes and ${photos.length} photos`;
    photos.close();
    throw new DataError("no-labels", `Expected ${expected} in ${validate} for train.validate, got ${got}.`);
  }

  /** The scores of an encoder, which keeps its mode and its statistics. Rank 0 computes them. */
  of(backbone: Backbone, ranks: Ranks = oneRank): KnnScoring {
    const { knnEvery: every } = this.options.config.train;
    return { every, score: () => ranks.onFirst(() => this.score(backbone)) };
  }

  private async score(backbone: Backbone): Promise<number | null> {
    const { photos: dataset, divided } = this;
    const { config, compute, signal, report = silent } = this.options;
    const { known, asked } = divided;
    const total = known.length + asked.length;
    const options = (before: number) => ({
      ...scoredInput(config, compute),
      signal,
      onProgress: ({ done }: { done: number }) =>
        report({ kind: "progress", what: "scoring by kNN", done: before + done, total }),
    });
    try {
      using bank = await labelledFeatures(backbone, { dataset, ids: known }, options(0));
      using queries = await labelledFeatures(backbone, { dataset, ids: asked }, options(known.length));
      return knnTop1(bank, queries, dataset.classes.length);
    } catch (error) {
      if (error instanceof InterruptedError) return null;
      throw error;
    }
  }

  close(): void {
    if (this.photos !== this.options.dataset) this.photos.close();
  }
}
