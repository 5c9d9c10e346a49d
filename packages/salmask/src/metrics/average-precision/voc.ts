import { type Curve, meanOfKnown, meanPrecision } from "./curve.js";
import type { DetectionMetricOptions, ScoredPhoto } from "./detection.js";
import { groupsOf } from "./group.js";
import { matchVoc } from "./match.js";
import { Tally } from "./tally.js";
import { at50, at75, iouThresholds } from "./thresholds.js";

/** Average precision, 0 to 1; null where there is nothing to find. */
export interface VocScores {
  /** At an overlap of 0.5: what VOC itself reports. */
  readonly ap50: number | null;
  readonly ap75: number | null;
  /** Mean over the overlaps 0.50, 0.55, ... 0.95, as papers report VOC beside COCO. */
  readonly ap: number | null;
}

/** By both forms of the measure. */
export interface VocForms {
  /** VOC 2007: the mean of the precision at recalls of 0, 0.1, ... 1 (Everingham et al. 2010, section 4.2). */
  readonly elevenPoints: VocScores;
  /** From VOC 2010 on: the area below precision against recall. */
  readonly area: VocScores;
}

/** VOC's scores of a detector. */
export interface VocResult {
  /** The mean over the categories that have objects to be found. */
  readonly all: VocForms;
  /** By position of the category. */
  readonly byCategory: readonly VocForms[];
}

const points = 11;

/**
 * PASCAL VOC's measure of detectors (Everingham et al. 2010; the development kit's `VOCevaldet`), photo by photo. A match
 * needs an overlap of at least the threshold, as in the kit; its copies in Python ask for more than that. A recall of
 * exactly three tenths reaches 0.3 here; the copies, which add up tenths in floating point, lose it. Where scores are equal,
 * the photo that came first goes first.
 */
export class VocMetric {
  readonly #tallies: readonly Tally[];

  constructor(private readonly options: DetectionMetricOptions) {
    this.#tallies = Array.from({ length: options.categories }, () => new Tally(iouThresholds.length, 1));
  }

  /**
   * Throws DataError where the photo cannot be scored, as `checkScored` has it, and `mask-sizes` where its masks differ in
   * size.
   */
  add(photo: ScoredPhoto): void {
    for (const group of groupsOf(photo, this.options, Number.POSITIVE_INFINITY)) {
      this.#tallies[group.category].add(group.scores, [matchVoc(group, iouThresholds)]);
    }
  }

  /** The scores over the photos so far. */
  result(): VocResult {
    const byCategory = this.#tallies.map((tally): VocForms => {
      const [curves] = tally.curves();
      return { elevenPoints: scoresOf(curves, atElevenPoints), area: scoresOf(curves, areaBelow) };
    });
    const mean = (of: (forms: VocForms) => VocScores): VocScores => ({
      ap50: meanOfKnown(byCategory.map((forms) => of(forms).ap50)),
      ap75: meanOfKnown(byCategory.map((forms) => of(forms).ap75)),
      ap: meanOfKnown(byCategory.map((forms) => of(forms).ap)),
    });
    return {
      all: { elevenPoints: mean((forms) => forms.elevenPoints), area: mean((forms) => forms.area) },
      byCategory,
    };
  }
}

function scoresOf(curves: readonly Curve[] | null, form: (curve: Curve) => number): VocScores {
  if (curves === null) return { ap50: null, ap75: null, ap: null };
  const precisions = curves.map(form);
  return { ap50: precisions[at50], ap75: precisions[at75], ap: meanOfKnown(precisions) };
}

function atElevenPoints(curve: Curve): number {
  return meanPrecision(curve, points, (found, point) => found * (points - 1) >= point * curve.wanted);
}

function areaBelow({ precision, wanted }: Curve): number {
  return precision.reduce((area, height) => area + height, 0) / wanted;
}
