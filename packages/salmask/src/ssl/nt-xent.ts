import { fromTypedArray, full, ops, type Tensor } from "@salmask/torch";
import type { EmbeddedNegatives } from "../masking/hard-negatives.js";
import { oneRank, type Ranks } from "../ranks/ranks.js";
import { hardLogits } from "./hard-logits.js";

export interface NtXentInputs {
  /** `[B, dim]`, rows of length one: the first view of each photo. */
  first: Tensor;
  /** `[B, dim]`, rows of length one: the second view of each photo. */
  second: Tensor;
  /** Negatives of each photo, for its first view only; null if the run has none. */
  negatives: EmbeddedNegatives | null;
}

/**
 * NT-Xent (Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", equation 1): for
 * each of the 2B views, the task is to find the photo's other view among all other views, of which there are 2A with those of all
 * ranks. A hard negative is one more column `exp(rho z.h / t)` in the row of its own photo's first view. Returns the mean loss `[]`
 * over the 2B rows, and the share `[]` of first views whose nearest view is their second view, without hard negatives.
 */
export function ntXent(
  { first, second, negatives }: NtXentInputs,
  { temperature, weight, ranks = oneRank }: { temperature: number; weight: number; ranks?: Ranks },
): { loss: Tensor; contrastAccuracy: Tensor } {
  const [batch] = first.shape;
  const { device } = first;
  const all = ranks.worldSize * batch;
  // A photo's column is its place in the batch of all ranks; the columns of second views stand after those of first views.
  const places = Int32Array.from({ length: batch }, (_, i) => ranks.rank * batch + i); // [B]
  const secondPlaces = places.map((place) => all + place); // [B]
  const views = ops.cat([first, second]); // [2B, dim]
  const others = ops.cat([first, second].map((view) => ranks.gatherWithGradients(view))); // [2A, dim]
  const marks = marked(Int32Array.of(...places, ...secondPlaces), 2 * all);
  const itself = fromTypedArray(marks, [2 * batch, 2 * all], { dtype: "bool", device }); // [2B, 2A]
  const similarities = views.matmul(others.t()).maskedFill(itself, Number.NEGATIVE_INFINITY); // [2B, 2A]
  const columns = [similarities];
  if (negatives !== null) {
    const hard = hardLogits(first, negatives, weight); // [B, M]
    const none = full([batch, hard.shape[1]], Number.NEGATIVE_INFINITY, { device }); // [B, M]
    columns.push(ops.cat([hard, none])); // [2B, M]
  }
  const logits = ops.cat(columns, { dim: 1 }).div(temperature); // [2B, 2A + M]
  const partners = Int32Array.of(...secondPlaces, ...places);
  const target = fromTypedArray(partners, [2 * batch], { device }).to({ dtype: "int64" }); // [2B]
  const loss = ops.crossEntropyLoss(logits, target); // []
  const nearest = similarities.detach().narrow(0, 0, batch).argmax({ dim: 1 }); // [B]
  const contrastAccuracy = nearest
    .eq(target.narrow(0, 0, batch))
    .toCopy({ dtype: "float32" })
    .mean(); // []
  return { loss, contrastAccuracy };
}

/** `[rows, columns]`: 1 at each row's column, otherwise 0. */
function marked(columnOfRow: Int32Array, columns: number): Uint8Array {
  const values = new Uint8Array(columnOfRow.length * columns);
  for (const [row, column] of columnOfRow.entries()) values[row * columns + column] = 1;
  return values;
}
