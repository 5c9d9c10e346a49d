/** How well photos were sorted into classes: over all, in the first five guesses, per class, and what was taken for what. */
import type { Tensor } from "@salmask/torch";

/** The scores of a classifier of photos. */
export interface ClassificationScores {
  /** Share of photos whose class got the highest score, 0 to 1. */
  readonly top1: number;
  /** Share of photos whose class is among the five highest scores; null where there are five classes or fewer. */
  readonly top5: number | null;
  /** Mean of the classes' own shares, so that a class of few photos counts as much as one of many. */
  readonly meanPerClass: number;
  /** `[classes]`: share of each class's photos that were classified rightly; null for a class without photos. */
  readonly perClass: (number | null)[];
  /** `[classes][classes]`: photos of the row's class that were taken for the column's. */
  readonly confusion: number[][];
}

const guesses = 5;

/** Scores of a classifier. `logits` is `[M, classes]`; `labels` has length M, from 0 to classes - 1. */
export function classificationScores(logits: Tensor, labels: Int32Array): ClassificationScores {
  const [photos, classes] = logits.shape;
  const values = logits.toFloat32Array(); // [M, classes]
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  let amongFive = 0;
  for (let photo = 0; photo < photos; photo++) {
    const scores = values.subarray(photo * classes, (photo + 1) * classes);
    const label = labels[photo];
    confusion[label][indexOfHighest(scores)]++;
    if (rankOf(scores, label) < guesses) amongFive++;
  }
  const perClass = confusion.map((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return total === 0 ? null : row[label] / total;
  });
  const seen = perClass.filter((value) => value !== null);
  const right = confusion.reduce((sum, row, label) => sum + row[label], 0);
  return {
    top1: right / photos,
    top5: classes > guesses ? amongFive / photos : null,
    meanPerClass: seen.reduce((sum, value) => sum + value, 0) / seen.length,
    perClass,
    confusion,
  };
}

function indexOfHighest(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

/** How many classes come before a class; of equal scores the first class does. A class whose score is NaN comes last. */
function rankOf(scores: Float32Array, label: number): number {
  const own = scores[label];
  if (Number.isNaN(own)) return scores.length - 1;
  let before = 0;
  for (const [other, score] of scores.entries())
    if (score > own || (score === own && other < label)) before++;
  return before;
}
