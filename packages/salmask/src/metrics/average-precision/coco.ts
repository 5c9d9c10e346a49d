import { meanOfKnown, meanPrecision } from "./curve.js";
import type { DetectionMetricOptions, ScoredPhoto } from "./detection.js";
import { groupsOf } from "./group.js";
import { type AreaRange, matchCoco } from "./match.js";
import { Tally } from "./tally.js";
import { at50, at75, evenly, iouThresholds } from "./thresholds.js";

/** Average precision and recall, 0 to 1; null where there is nothing to find. */
export interface CocoScores {
  /** Mean over the overlaps 0.50, 0.55, ... 0.95. */
  readonly ap: number | null;
  readonly ap50: number | null;
  readonly ap75: number | null;
  /** Objects of at most 32^2 pixels. */
  readonly apSmall: number | null;
  /** Of 32^2 to 96^2 pixels. */
  readonly apMedium: number | null;
  /** Of at least 96^2 pixels. */
  readonly apLarge: number | null;
  /** Recall by the surest detection of each category in each photo, mean over the overlaps. */
  readonly ar1: number | null;
  /** By the surest 10. */
  readonly ar10: number | null;
  /** By the surest 100. */
  readonly ar100: number | null;
  /** By the surest 100, by size as above. */
  readonly arSmall: number | null;
  readonly arMedium: number | null;
  readonly arLarge: number | null;
}

/** COCO's scores of a detector. */
export interface CocoResult {
  /** The mean over the categories that have objects to be found. */
  readonly all: CocoScores;
  /** By position of the category. */
  readonly byCategory: readonly CocoScores[];
}

const small = 32 ** 2;
const large = 96 ** 2;
const anything = Number.POSITIVE_INFINITY;
const ranges: readonly AreaRange[] = [
  { least: 0, most: anything },
  { least: 0, most: small },
  { least: small, most: large },
  { least: large, most: anything },
];
const [ofAll, ofSmall, ofMedium, ofLarge] = [0, 1, 2, 3];

/** COCO looks at no more detections of a category in a photo. */
const mostDetections = 100;
/** The recalls at which precision is read: 0, 0.01, ... 1. */
const recallPoints = evenly(0, 1, 101);

/**
 * COCO's measure of detectors (Lin et al. 2014; COCO API, `COCOeval`), photo by photo. Size is the annotation's `area` of a
 * truth, also where boxes are compared, and a detection's own box or mask of a detection. Where scores are equal, the photo
 * that came first goes first: COCO's own program takes photos by their numbers.
 */
export class CocoMetric {
  readonly #tallies: readonly Tally[];

  constructor(private readonly options: DetectionMetricOptions) {
    this.#tallies = Array.from(
      { length: options.categories },
      () => new Tally(iouThresholds.length, ranges.length),
    );
  }

  /**
   * Throws DataError where the photo cannot be scored, as `checkScored` has it, and `mask-sizes` where its masks differ in
   * size.
   */
  add(photo: ScoredPhoto): void {
    for (const group of groupsOf(photo, this.options, mostDetections)) {
      const matches = ranges.map((range) => matchCoco(group, iouThresholds, range));
      this.#tallies[group.category].add(group.scores, matches);
    }
  }

  /** The scores over the photos so far. */
  result(): CocoResult {
    const byCategory = this.#tallies.map(scoresOf);
    const mean = (of: (scores: CocoScores) => number | null) => meanOfKnown(byCategory.map(of));
    return {
      all: {
        ap: mean(({ ap }) => ap),
        ap50: mean(({ ap50 }) => ap50),
        ap75: mean(({ ap75 }) => ap75),
        apSmall: mean(({ apSmall }) => apSmall),
        apMedium: mean(({ apMedium }) => apMedium),
        apLarge: mean(({ apLarge }) => apLarge),
        ar1: mean(({ ar1 }) => ar1),
        ar10: mean(({ ar10 }) => ar10),
        ar100: mean(({ ar100 }) => ar100),
        arSmall: mean(({ arSmall }) => arSmall),
        arMedium: mean(({ arMedium }) => arMedium),
        arLarge: mean(({ arLarge }) => arLarge),
      },
      byCategory,
    };
  }
}

function scoresOf(tally: Tally): CocoScores {
  const precisions = tally
    .curves()
    .map((curves) =>
      curves === null
        ? []
        : curves.map((curve) =>
            meanPrecision(
              curve,
              recallPoints.length,
              (found, point) => found / curve.wanted >= recallPoints[point],
            ),
          ),
    );
  const recall = (range: number, most: number) => meanOfKnown(tally.recalls(range, most) ?? []);
  return {
    ap: meanOfKnown(precisions[ofAll]),
    ap50: precisions[ofAll][at50] ?? null,
    ap75: precisions[ofAll][at75] ?? null,
    apSmall: meanOfKnown(precisions[ofSmall]),
    apMedium: meanOfKnown(precisions[ofMedium]),
    apLarge: meanOfKnown(precisions[ofLarge]),
    ar1: recall(ofAll, 1),
    ar10: recall(ofAll, 10),
    ar100: recall(ofAll, mostDetections),
    arSmall: recall(ofSmall, mostDetections),
    arMedium: recall(ofMedium, mostDetections),
    arLarge: recall(ofLarge, mostDetections),
  };
}
