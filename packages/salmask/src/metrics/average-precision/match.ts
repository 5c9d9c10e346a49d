/** Which detections of one category in one photo are right, by the rules of COCO and of PASCAL VOC. */
import type { Group } from "./group.js";

/** What a detection counts as: for nothing where it found what counts neither for nor against. */
export const outcome = { wrong: 0, right: 1, ignored: 2 } as const;

export interface Matches {
  /** `[D * thresholds]`, one `outcome` each; detections by falling score. */
  readonly outcomes: Uint8Array;
  /** Number of truths that are to be found. */
  readonly wanted: number;
}

/** In square pixels; both ends belong to it. */
export interface AreaRange {
  readonly least: number;
  readonly most: number;
}

/**
 * COCO's matching (COCO API, `evaluateImg`). The surest detection chooses first, among the truths that are left and overlap
 * it by at least the threshold: the one that it overlaps most, the last of several. Only where there is none does it choose
 * among truths that are not to be found: crowds, difficult ones, and those whose annotated area is out of range. It then
 * counts for nothing, and so does a detection that found nothing and is out of range itself. A crowd is never used up.
 *
 * @param thresholds least intersection over union of a match, above 0
 */
export function matchCoco(
  { scores, areas, truths, ious }: Group,
  thresholds: readonly number[],
  range: AreaRange,
): Matches {
  const isWithin = (area: number) => area >= range.least && area <= range.most;
  const wanted: number[] = [];
  const others: number[] = [];
  for (const [t, { isCrowd, isDifficult, area }] of truths.entries()) {
    const isWanted = !isCrowd && !isDifficult && isWithin(area);
    (isWanted ? wanted : others).push(t);
  }
  const outcomes = new Uint8Array(scores.length * thresholds.length);
  const isTaken = new Uint8Array(thresholds.length * truths.length);
  for (let d = 0; d < scores.length; d++) {
    const overlaps = ious.subarray(d * truths.length, (d + 1) * truths.length);
    const unmatched = isWithin(areas[d]) ? outcome.wrong : outcome.ignored;
    for (let i = 0; i < thresholds.length; i++) {
      const taken = i * truths.length;
      let found = bestOf(wanted, overlaps, isTaken, taken, thresholds[i]);
      let result: number = outcome.right;
      if (found < 0) {
        found = bestOf(others, overlaps, isTaken, taken, thresholds[i]);
        result = found < 0 ? unmatched : outcome.ignored;
      }
      if (found >= 0 && !truths[found].isCrowd) isTaken[taken + found] = 1;
      outcomes[d * thresholds.length + i] = result;
    }
  }
  return { outcomes, wanted: wanted.length };
}

/**
 * The last of the free truths with the largest overlap, -1 where none reaches the threshold.
 *
 * @param isTaken which truths are not free, from place `from` on
 */
function bestOf(
  candidates: readonly number[],
  overlaps: Float64Array,
  isTaken: Uint8Array,
  from: number,
  threshold: number,
): number {
  let [found, most] = [-1, threshold];
  for (const t of candidates) {
    if (isTaken[from + t] === 1 || overlaps[t] < most) continue;
    found = t;
    most = overlaps[t];
  }
  return found;
}

/**
 * PASCAL VOC's matching (Everingham et al. 2010, section 4.2; the development kit's `VOCevaldet`). A detection belongs to
 * the truth that it overlaps most, the first of several, whether or not that was found before. It is right if it is the
 * first that overlaps the truth by at least the threshold, and wrong after that: it does not turn to another truth as in
 * COCO. One that belongs to a difficult truth counts for nothing, as does one that would be wrong and lies in a crowd, which
 * VOC itself does not have.
 *
 * @param thresholds least intersection over union of a match, above 0
 */
export function matchVoc({ scores, truths, ious }: Group, thresholds: readonly number[]): Matches {
  const outcomes = new Uint8Array(scores.length * thresholds.length);
  const isTaken = new Uint8Array(thresholds.length * truths.length);
  for (let d = 0; d < scores.length; d++) {
    let [nearest, most, inCrowd] = [-1, 0, 0];
    for (const [t, { isCrowd }] of truths.entries()) {
      const overlap = ious[d * truths.length + t];
      if (isCrowd) inCrowd = Math.max(inCrowd, overlap);
      else if (overlap > most) [nearest, most] = [t, overlap];
    }
    const isDifficult = nearest >= 0 && truths[nearest].isDifficult;
    for (let i = 0; i < thresholds.length; i++) {
      const place = i * truths.length + nearest;
      const reaches = nearest >= 0 && most >= thresholds[i];
      const isRight = reaches && !isDifficult && isTaken[place] === 0;
      if (isRight) isTaken[place] = 1;
      const isIgnored = (reaches && isDifficult) || inCrowd >= thresholds[i];
      const missed = isIgnored ? outcome.ignored : outcome.wrong;
      outcomes[d * thresholds.length + i] = isRight ? outcome.right : missed;
    }
  }
  return { outcomes, wanted: truths.filter((t) => !t.isCrowd && !t.isDifficult).length };
}
