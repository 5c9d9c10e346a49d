import { percent } from "../base/format.js";
import type { ClassificationScores } from "../metrics/classification.js";

/** Classes that are named among the most frequent mistakes. */
const namedMistakes = 3;

/** What a classification's scores say beside top-1, for people. */
export function classificationLines(
  { top5, meanPerClass, confusion }: ClassificationScores,
  classes: readonly string[],
): string[] {
  const mistakes = confusion
    .flatMap((row, from) => row.map((count, to) => ({ from, to, count })))
    .filter(({ from, to, count }) => from !== to && count > 0)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, namedMistakes)
    .map(({ from, to, count }) => `${classes[from]} for ${classes[to]} (${count})`);
  return [
    ...(top5 === null ? [] : [`top-5   ${percent(top5, 2)}`]),
    `mean per class  ${percent(meanPerClass, 2)}`,
    ...(mistakes.length === 0 ? [] : [`taken for another most often: ${mistakes.join(", ")}`]),
  ];
}
