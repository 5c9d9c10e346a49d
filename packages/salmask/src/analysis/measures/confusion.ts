import { scope } from "@salmask/torch";
import { percent } from "../../base/format.js";
import { type ClassificationScores, classificationScores } from "../../metrics/classification.js";
import { knnVotes } from "../../metrics/knn.js";
import type { HeatPlot } from "../measured.js";
import type { Measure } from "./measure.js";

/** Classes at most for a confusion table that can be read. */
const mostShown = 30;
const mostNamed = 3;

export const confusion: Measure = {
  shows: "Which classes an encoder takes for which: the class that each photo's nearest neighbours vote for.",
  source:
    "Wu et al. 2018, Unsupervised Feature Learning via Non-Parametric Instance Discrimination (weighted kNN, k 20, temperature 0.07)",
  needs: ["classes"],
  async compute(material) {
    const { classes } = material.photos;
    const rows = [];
    const plots: HeatPlot[] = [];
    const notes: string[] = [];
    for (const encoder of material.encoders) {
      const { features: train } = await material.learned(encoder);
      const { features, labels } = await material.scored(encoder);
      const scores = scope(() => classificationScores(knnVotes(train, features, classes.length), labels));
      rows.push({ name: encoder.name, values: [scores.top1, scores.meanPerClass] });
      if (classes.length <= mostShown) plots.push(heatOf(encoder.name, scores, classes));
      const worst = worstOf(scores, classes);
      if (worst !== "") notes.push(`${encoder.name} most often takes ${worst}.`);
    }
    return {
      tables: [
        {
          title: null,
          columns: [
            { title: "kNN top-1", kind: "share" },
            { title: "mean per class", kind: "share" },
          ],
          rows,
        },
      ],
      plots,
      sheets: [],
      notes,
    };
  },
};

const sharesOf = (counts: readonly number[]) => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? null : count / total));
};

function heatOf(name: string, { confusion }: ClassificationScores, classes: readonly string[]): HeatPlot {
  return {
    kind: "heat",
    title: `kNN confusion of ${name}`,
    rows: { title: "true class", names: classes },
    columns: { title: "taken for", names: classes },
    values: confusion.map(sharesOf),
  };
}

/** The largest confusions in words; empty where nothing is confused. */
function worstOf({ confusion }: ClassificationScores, classes: readonly string[]): string {
  const pairs = confusion.flatMap((counts, of) =>
    sharesOf(counts).flatMap((share, as) =>
      of !== as && share !== null && share > 0 ? [{ of, as, share }] : [],
    ),
  );
  return pairs
    .toSorted((a, b) => b.share - a.share)
    .slice(0, mostNamed)
    .map(({ of, as, share }) => `${classes[of]} for ${classes[as]} (${percent(share)})`)
    .join(", ");
}
