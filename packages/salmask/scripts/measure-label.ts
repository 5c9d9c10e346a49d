/**
 * `npx tsx packages/salmask/scripts/measure-label.ts RUN PHOTOS`: how many photos in class folders get the right label by a few examples
 * of each class, with several strengths of regularisation; means of five draws of the examples.
 */
import { fromTypedArray, noGrad, scope, type Tensor } from "@salmask/torch";
import { withKnownLabels } from "../src/data/samples/few-labels.js";
import { labelsOfFolders } from "../src/data/store/describe-pack.js";
import { fastLinearDefaults, learnLinear, linearScores, scaleOf } from "../src/metrics/linear-fast.js";
import { embed } from "../src/tasks/embed/embed.js";

const penalties = [[1], [0.1], [0.01], fastLinearDefaults.penalties];
const examples = [1, 2, 5, 10, 20, 50];
const draws = 5;

const [run, photos] = process.argv.slice(2);
using embeddings = await embed({ run, photos });
const { paths, vectors } = embeddings;
const { classes, labelOf } = labelsOfFolders(paths);
const labels = Int32Array.from(paths, (path) => labelOf(path));
const rowsOf = (ids: Int32Array): Tensor => vectors.indexSelect(0, fromTypedArray(ids, [ids.length])); // [ids, d]

function right(known: Int32Array, candidates: readonly number[]): number {
  return scope(() =>
    noGrad(() => {
      const isKnown = new Set(known);
      const rest = Int32Array.from(labels.keys()).filter((id) => !isKnown.has(id));
      const train = { features: rowsOf(known), labels: Int32Array.from(known, (id) => labels[id]) };
      const options = { ...fastLinearDefaults, penalties: candidates, scale: scaleOf(vectors) };
      const learned = learnLinear(train, classes.length, 0, options);
      const found = linearScores(learned, rowsOf(rest)).argmax({ dim: 1 }).toArray();
      return found.filter((label, i) => label === labels[rest[i]]).length / rest.length;
    }),
  );
}

console.log(
  ["examples a class", ...penalties.map((some) => (some.length > 1 ? "chosen" : some[0]))].join(" | "),
);
for (const count of examples) {
  const budget = { kind: "perClass", count } as const;
  const shares = penalties.map((candidates) => {
    const each = Array.from({ length: draws }, (_, seed) =>
      right(withKnownLabels(labels, classes.length, budget, seed), candidates),
    );
    return `${((100 * each.reduce((sum, share) => sum + share, 0)) / draws).toFixed(1)} %`;
  });
  console.log([count, ...shares].join(" | "));
}
