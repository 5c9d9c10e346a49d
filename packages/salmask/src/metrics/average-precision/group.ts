import type { Rle } from "../../data/samples/rle.js";
import { areaOf } from "../../data/samples/rle-extent.js";
import { maskIous } from "../../data/samples/rle-overlap.js";
import { boxArea, boxIous } from "./box-iou.js";
import {
  checkScored,
  type Detection,
  type DetectionMetricOptions,
  type ScoredPhoto,
  type Truth,
} from "./detection.js";

/** One category's detections, D, and truths, T, in one photo. */
export interface Group {
  readonly category: number;
  /** `[D]`, falling. */
  readonly scores: Float64Array;
  /** `[D]`, pixels of the detections' own boxes or masks. */
  readonly areas: Float64Array;
  /** `[T]` */
  readonly truths: readonly Truth[];
  /** `[D * T]`; of a crowd, the share of the detection that lies in it. */
  readonly ious: Float64Array;
}

/**
 * What of a photo can be matched with each other. Detections of one score stay in their order; of each category the best
 * `most` are kept.
 *
 * Throws DataError as {@link checkScored}, and `mask-sizes` where the masks differ in size.
 */
export function groupsOf(photo: ScoredPhoto, options: DetectionMetricOptions, most: number): Group[] {
  checkScored(photo, options);
  const truths = byCategory(photo.truths);
  const detections = byCategory(photo.detections);
  return [...new Set([...truths.keys(), ...detections.keys()])].map((category) => {
    const found = detections.get(category) ?? [];
    return groupOf(category, best(found, most), truths.get(category) ?? [], options);
  });
}

function groupOf(
  category: number,
  detections: readonly Detection[],
  truths: readonly Truth[],
  { by }: DetectionMetricOptions,
): Group {
  const scores = Float64Array.from(detections, ({ score }) => score);
  const isCrowd = truths.map((truth) => truth.isCrowd);
  if (by === "boxes") {
    const boxes = detections.map(({ box }) => box);
    const areas = Float64Array.from(boxes, boxArea);
    const ious = boxIous(
      boxes,
      truths.map(({ box }) => box),
      isCrowd,
    );
    return { category, scores, areas, truths, ious };
  }
  const masks = masksOf(detections);
  const areas = Float64Array.from(masks, areaOf);
  return { category, scores, areas, truths, ious: maskIous(masks, masksOf(truths), isCrowd) };
}

/** The masks, none of which is missing once the photo was checked. */
function masksOf(all: readonly { readonly mask: Rle | null }[]): Rle[] {
  return all.flatMap(({ mask }) => (mask === null ? [] : [mask]));
}

function best(detections: readonly Detection[], most: number): Detection[] {
  return detections.toSorted((a, b) => b.score - a.score).slice(0, most);
}

function byCategory<T extends { readonly category: number }>(all: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const one of all) {
    const group = groups.get(one.category);
    if (group === undefined) groups.set(one.category, [one]);
    else group.push(one);
  }
  return groups;
}
